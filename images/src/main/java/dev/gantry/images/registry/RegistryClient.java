package dev.gantry.images.registry;

import dev.gantry.images.ImageException;
import dev.gantry.images.ImageException.Code;
import dev.gantry.images.Quoted;
import dev.gantry.images.http.Endpoint;
import dev.gantry.images.http.HttpException;
import dev.gantry.images.http.HttpRequest;
import dev.gantry.images.http.HttpResponse;
import dev.gantry.images.http.HttpTransport;
import dev.gantry.images.json.JsonFormatException;
import dev.gantry.images.json.JsonObject;
import dev.gantry.images.source.Cancellation;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnknownHostException;
import java.security.cert.CertificateException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import javax.net.ssl.SSLException;

/** Asks one registry for one repository's content: authenticates, follows redirects, tries again. */
final class RegistryClient {
    private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);
    private static final Set<Integer> TRANSIENT = Set.of(408, 429, 500, 502, 503, 504);
    private static final int MOST_REDIRECTS = 5;
    private static final int MOST_CHALLENGES = 3;
    private static final int LARGEST_ERROR = 16 << 10;

    private final HttpTransport transport;
    private final RegistryHost host;
    private final Endpoint registry;
    private final String repository;
    private final Authenticator authenticator;
    private final RetryPolicy retries;
    private final Cancellation cancellation;
    private final InstantSource clock;

    RegistryClient(
            HttpTransport transport,
            RegistryHost host,
            Endpoint registry,
            String repository,
            Authenticator authenticator,
            RetryPolicy retries,
            Cancellation cancellation,
            InstantSource clock) {
        this.transport = transport;
        this.host = host;
        this.registry = registry;
        this.repository = repository;
        this.authenticator = authenticator;
        this.retries = retries;
        this.cancellation = cancellation;
        this.clock = clock;
    }

    RetryPolicy retries() {
        return retries;
    }

    /** A request below the repository's path, e.g. {@code manifests/latest}. */
    HttpRequest request(String method, String path) {
        String target = host.path() + "/" + repository + "/" + path + host.query();
        return new HttpRequest(registry, method, target, Map.of(), "");
    }

    /** Sends until there is an answer of 2xx, or no hope of one. */
    HttpResponse send(HttpRequest request) throws ImageException, InterruptedException {
        for (int failures = 1; ; failures++) {
            ImageException failure;
            Optional<Duration> retryAfter = Optional.empty();
            boolean again;
            try {
                HttpResponse response = once(request);
                if (response.status() / 100 == 2) {
                    return response;
                }
                try (response) {
                    again = TRANSIENT.contains(response.status());
                    retryAfter = again ? retryAfter(response) : Optional.empty();
                    failure = refused(request, response, retryAfter);
                }
            } catch (ImageException e) {
                throw e;
            } catch (IOException e) {
                failure = failed(request, e);
                again = isWorthAnotherTry(e);
            }
            Optional<Duration> delay = again ? retries.delay(failures, retryAfter) : Optional.empty();
            if (delay.isEmpty()) {
                throw failure;
            }
            pause(delay.get());
        }
    }

    /** Waits before another try. */
    void pause(Duration delay) throws ImageException, InterruptedException {
        if (cancellation.await(delay)) {
            throw new ImageException(Code.CANCELLED, "cancelled");
        }
    }

    private HttpResponse once(HttpRequest first) throws IOException {
        HttpRequest request = first;
        int redirects = 0;
        int challenges = 0;
        while (true) {
            // secrets go to the registry itself only, whatever hosts it points to
            boolean ours = request.endpoint().equals(registry);
            Optional<String> header = ours ? authenticator.authorization() : Optional.empty();
            HttpRequest sent = ours ? withHostsHeaders(request) : request;
            sent = header.isPresent() ? sent.with("Authorization", header.get()) : sent;
            HttpResponse response = transport.send(sent);
            boolean handed = false;
            try {
                if (response.status() == 401 && ours && challenges++ < MOST_CHALLENGES) {
                    if (authenticator.answer(response, header)) {
                        response.readStart(LARGEST_ERROR);
                        continue;
                    }
                } else if (REDIRECTS.contains(response.status())) {
                    if (++redirects > MOST_REDIRECTS) {
                        throw new HttpException("more than " + MOST_REDIRECTS + " redirects");
                    }
                    response.readStart(LARGEST_ERROR);
                    request = redirected(request, response);
                    continue;
                }
                handed = true;
                return response;
            } finally {
                if (!handed) {
                    response.close();
                }
            }
        }
    }

    private HttpRequest withHostsHeaders(HttpRequest request) {
        HttpRequest result = request;
        for (Map.Entry<String, String> header : host.headers().entrySet()) {
            result = result.with(header.getKey(), header.getValue());
        }
        return result;
    }

    private static HttpRequest redirected(HttpRequest request, HttpResponse response) throws IOException {
        String location = response.header("location").orElse("");
        try {
            URI target = new URI(request.endpoint() + request.target()).resolve(new URI(location));
            Endpoint endpoint = Endpoint.of(target);
            if (request.endpoint().tls() && !endpoint.tls()) {
                throw new HttpException("the host redirects from https to " + endpoint + ", which is not followed");
            }
            String path = target.getRawPath() == null || target.getRawPath().isEmpty() ? "/" : target.getRawPath();
            String query = target.getRawQuery() == null ? "" : "?" + target.getRawQuery();
            return new HttpRequest(endpoint, request.method(), path + query, request.headers(), "");
        } catch (URISyntaxException | IllegalArgumentException e) {
            throw new HttpException("the host redirects to no URL: '" + Quoted.cut(location) + "'");
        }
    }

    /** In seconds, or as a date. */
    private Optional<Duration> retryAfter(HttpResponse response) {
        String value = response.header("retry-after").orElse("").strip();
        if (value.isEmpty()) {
            return Optional.empty();
        }
        if (value.length() <= 9 && value.chars().allMatch(Character::isDigit)) {
            return Optional.of(Duration.ofSeconds(Long.parseLong(value)));
        }
        try {
            Instant at = ZonedDateTime.parse(value, DateTimeFormatter.RFC_1123_DATE_TIME)
                    .toInstant();
            Duration left = Duration.between(clock.instant(), at);
            return Optional.of(left.isNegative() ? Duration.ZERO : left);
        } catch (DateTimeException e) {
            return Optional.empty();
        }
    }

    // --- errors

    /** {@code registry host:port} or {@code mirror host:port}. */
    String name() {
        return host.word() + " " + registry.authority();
    }

    private ImageException refused(HttpRequest request, HttpResponse response, Optional<Duration> retryAfter) {
        int status = response.status();
        String said = name() + " answered " + status + " to " + request + detail(response);
        return switch (status) {
            case 401, 403 ->
                new ImageException(
                        Code.UNAUTHORIZED,
                        said
                                + (authenticator.credentials().isAnonymous()
                                        ? ": the repository may not exist, or wants credentials"
                                                + " (imagePullSecrets, or docker's config.json)"
                                        : ": the repository may not exist, or these credentials have no access"));
            case 404 -> new ImageException(Code.NOT_FOUND, said + ": no such repository, tag or digest there");
            case 429 ->
                new ImageException(
                        Code.TOO_MANY_REQUESTS,
                        said + ": it asks for patience"
                                + retryAfter
                                        .map(d -> ", " + d.toSeconds() + " s")
                                        .orElse("") + "; pull less often or with credentials");
            case 502, 503, 504 -> new ImageException(Code.UNAVAILABLE, said + ": it is out of order, try later");
            default -> new ImageException(Code.REGISTRY_ERROR, said);
        };
    }

    /** What the registry says of it: {@code {"errors":[{"code","message"}]}}. */
    private static String detail(HttpResponse response) {
        try {
            JsonObject body = JsonObject.parse(response.readStart(LARGEST_ERROR), "error");
            List<JsonObject> errors = body.objects("errors");
            if (!errors.isEmpty()) {
                String code = errors.get(0).stringOrEmpty("code");
                String message = errors.get(0).stringOrEmpty("message");
                return " (" + Quoted.cut(code, 60) + (message.isEmpty() ? "" : ": " + Quoted.cut(message)) + ")";
            }
        } catch (JsonFormatException e) {
            // not every registry explains itself
        } catch (IOException e) {
            return " (its explanation was cut off)";
        }
        return "";
    }

    /** The failure to get any proper answer, with the host and the remedy. */
    ImageException failed(HttpRequest request, IOException e) {
        if (e instanceof ImageException image) {
            return image;
        }
        if (cancellation.isCancelled()) {
            return new ImageException(Code.CANCELLED, "cancelled", e);
        }
        String what = request + ": ";
        String host = name();
        if (e instanceof SocketTimeoutException) {
            return new ImageException(
                    Code.UNAVAILABLE,
                    what + host + " does not answer in time (" + e.getMessage()
                            + "); check that it works and is reachable from here",
                    e);
        }
        if (e instanceof UnknownHostException) {
            return new ImageException(
                    Code.UNAVAILABLE, what + e.getMessage() + "; check the image's name and this machine's DNS", e);
        }
        if (e instanceof ConnectException || e instanceof NoRouteToHostException) {
            return new ImageException(
                    Code.UNAVAILABLE,
                    what + host + " cannot be reached: " + e.getMessage() + "; check that it runs, and firewalls",
                    e);
        }
        if (isUntrusted(e)) {
            return new ImageException(
                    Code.REGISTRY_ERROR,
                    what + host + " shows a certificate that is not trusted here (" + e.getMessage()
                            + "); "
                            + this.host
                                    .file()
                                    .map(file -> "name its authority as ca in " + file)
                                    .orElse("put its authority into /etc/gantry/certs.d/" + registry.hostAndPort()
                                            + "/ca.crt"),
                    e);
        }
        if (e instanceof HttpException || e instanceof JsonFormatException) {
            return new ImageException(Code.REGISTRY_ERROR, what + e.getMessage(), e);
        }
        return new ImageException(Code.UNAVAILABLE, what + host + ": " + e.getMessage(), e);
    }

    private static boolean isUntrusted(Throwable e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof CertificateException) {
                return true;
            }
        }
        return false;
    }

    private boolean isWorthAnotherTry(IOException e) {
        return !(e instanceof HttpException
                || e instanceof UnknownHostException
                || e instanceof ConnectException
                || e instanceof SSLException
                || cancellation.isCancelled());
    }
}

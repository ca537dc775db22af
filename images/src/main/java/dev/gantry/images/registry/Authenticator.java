package dev.gantry.images.registry;

import dev.gantry.images.Credentials;
import dev.gantry.images.ImageException;
import dev.gantry.images.ImageException.Code;
import dev.gantry.images.Quoted;
import dev.gantry.images.http.Endpoint;
import dev.gantry.images.http.HttpRequest;
import dev.gantry.images.http.HttpResponse;
import dev.gantry.images.http.HttpTransport;
import dev.gantry.images.json.JsonFormatException;
import dev.gantry.images.json.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Answers the challenges of one registry for one repository with one set of credentials. Its secrets go to the registry
 * itself and to the token service that the registry names, nowhere else.
 *
 * @see <a href="https://distribution.github.io/distribution/spec/auth/token/">token authentication</a>
 */
final class Authenticator {
    private static final int LARGEST_TOKEN = 256 << 10;
    private static final long DEFAULT_SECONDS = 60;
    private static final long LONGEST_SECONDS = 3600;

    private final HttpTransport transport;
    private final Endpoint registry;
    private final String repository;
    private final Credentials credentials;
    private final TokenCache tokens;
    private Optional<String> header = Optional.empty();

    Authenticator(
            HttpTransport transport, Endpoint registry, String repository, Credentials credentials, TokenCache tokens) {
        this.transport = transport;
        this.registry = registry;
        this.repository = repository;
        this.credentials = credentials;
        this.tokens = tokens;
    }

    /** Tokens by what was asked for; shared by all pulls. */
    static final class TokenCache {
        private static final int MOST = 1000;
        private final Map<List<Object>, Token> tokens = new HashMap<>();

        private record Token(String text, long expiresNanos) {}

        synchronized Optional<String> find(List<Object> key) {
            Token token = tokens.get(key);
            return token == null || token.expiresNanos() - System.nanoTime() < 0
                    ? Optional.empty()
                    : Optional.of(token.text());
        }

        synchronized void put(List<Object> key, String text, long seconds) {
            if (tokens.size() >= MOST) {
                tokens.values().removeIf(token -> token.expiresNanos() - System.nanoTime() < 0);
            }
            if (tokens.size() < MOST) {
                tokens.put(key, new Token(text, System.nanoTime() + seconds * 900_000_000L));
            }
        }

        synchronized void drop(List<Object> key) {
            tokens.remove(key);
        }
    }

    /** The header to send before any challenge. */
    synchronized Optional<String> authorization() {
        return header;
    }

    Credentials credentials() {
        return credentials;
    }

    /**
     * Gets what a 401 asks for.
     *
     * @param refused the header that the refused request had
     * @return whether it is worth asking again
     */
    synchronized boolean answer(HttpResponse challenge, Optional<String> refused) throws IOException {
        if (!refused.equals(header)) {
            return true; // another thread has got a new one meanwhile
        }
        for (Challenge each : Challenge.parse(challenge.headers("www-authenticate"))) {
            Optional<String> answer = Optional.empty();
            if (each.scheme().equals("bearer")) {
                answer = bearer(each, refused.isPresent());
            } else if (each.scheme().equals("basic") && refused.isEmpty()) {
                answer = basic();
            }
            if (answer.isPresent() && !answer.equals(refused)) {
                header = answer;
                return true;
            }
        }
        return false;
    }

    private Optional<String> basic() {
        return credentials.kind() == Credentials.Kind.PASSWORD
                ? Optional.of("Basic " + base64(credentials))
                : Optional.empty();
    }

    private static String base64(Credentials credentials) {
        return Base64.getEncoder()
                .encodeToString((credentials.username() + ":" + credentials.secret()).getBytes(StandardCharsets.UTF_8));
    }

    private Optional<String> bearer(Challenge challenge, boolean refused) throws IOException {
        if (credentials.kind() == Credentials.Kind.REGISTRY_TOKEN) {
            return refused ? Optional.empty() : Optional.of("Bearer " + credentials.secret());
        }
        String scope = challenge.parameter("scope");
        if (scope.isEmpty()) {
            scope = "repository:" + repository + ":pull";
        }
        String service = challenge.parameter("service");
        URI realm = realm(challenge.parameter("realm"));
        List<Object> key = List.of(realm, service, scope, credentials);
        if (refused) {
            tokens.drop(key);
        }
        Optional<String> cached = tokens.find(key);
        if (cached.isEmpty()) {
            JsonObject reply = requestToken(realm, service, scope);
            String token = reply.stringOrEmpty("token");
            String text = token.isEmpty() ? reply.stringOrEmpty("access_token") : token;
            if (text.isEmpty() || text.chars().anyMatch(c -> c <= ' ' || c >= 0x7f)) {
                throw new ImageException(
                        Code.REGISTRY_ERROR,
                        "token service " + realm.getHost() + " of registry " + registry.authority()
                                + " sent no usable token");
            }
            long seconds = reply.integer("expires_in", DEFAULT_SECONDS);
            tokens.put(key, text, Math.max(1, Math.min(seconds, LONGEST_SECONDS)));
            cached = Optional.of(text);
        }
        return cached.map(text -> "Bearer " + text);
    }

    /** The service must be as well protected as the registry itself. */
    private URI realm(String text) throws ImageException {
        try {
            URI realm = new URI(text);
            Endpoint endpoint = Endpoint.of(realm);
            boolean sameHost = endpoint.host().equals(registry.host());
            if (!endpoint.tls() && (registry.tls() || !(sameHost || endpoint.isLoopback()))) {
                throw new ImageException(
                        Code.REGISTRY_ERROR,
                        "registry " + registry.authority() + " sends to a token service without TLS: '"
                                + Quoted.cut(text) + "'; credentials are not sent there");
            }
            return realm;
        } catch (java.net.URISyntaxException | IllegalArgumentException e) {
            throw new ImageException(
                    Code.REGISTRY_ERROR,
                    "registry " + registry.authority() + " sends to a token service that is no URL: '"
                            + Quoted.cut(text) + "'",
                    e);
        }
    }

    private JsonObject requestToken(URI realm, String service, String scope) throws IOException {
        if (credentials.kind() == Credentials.Kind.IDENTITY_TOKEN) {
            Map<String, String> form = new java.util.LinkedHashMap<>();
            form.put("grant_type", "refresh_token");
            form.put("refresh_token", credentials.secret());
            form.put("service", service);
            form.put("scope", scope);
            form.put("client_id", "gantry");
            return send(
                    realm,
                    new HttpRequest(
                            Endpoint.of(realm),
                            "POST",
                            target(realm, ""),
                            Map.of("Content-Type", "application/x-www-form-urlencoded", "Accept", "application/json"),
                            encode(form)));
        }
        StringBuilder query = new StringBuilder();
        if (!service.isEmpty()) {
            query.append("service=").append(encode(service)).append('&');
        }
        String separator = "";
        for (String each : scope.split(" ", -1)) {
            query.append(separator).append("scope=").append(encode(each));
            separator = "&";
        }
        HttpRequest request = HttpRequest.get(Endpoint.of(realm), target(realm, query.toString()))
                .with("Accept", "application/json");
        if (credentials.kind() == Credentials.Kind.PASSWORD) {
            request = request.with("Authorization", "Basic " + base64(credentials));
        }
        return send(realm, request);
    }

    private JsonObject send(URI realm, HttpRequest request) throws IOException {
        try (HttpResponse response = transport.send(request)) {
            int status = response.status();
            if (status == 200) {
                return JsonObject.parse(response.readBody(LARGEST_TOKEN), "token of " + realm.getHost());
            }
            Code code = status == 429
                    ? Code.TOO_MANY_REQUESTS
                    : status >= 500 ? Code.UNAVAILABLE : status < 400 ? Code.REGISTRY_ERROR : Code.UNAUTHORIZED;
            String remedy = code == Code.UNAUTHORIZED
                    ? (credentials.isAnonymous()
                            ? "; it wants credentials: set imagePullSecrets or docker's config.json"
                            : "; check user name and password")
                    : "";
            throw new ImageException(
                    code,
                    "token service " + request.endpoint() + " of registry " + registry.authority() + " answered "
                            + status + " for repository " + repository + remedy);
        } catch (JsonFormatException e) {
            throw new ImageException(
                    Code.REGISTRY_ERROR,
                    "token service " + request.endpoint() + " of registry " + registry.authority() + ": "
                            + e.getMessage(),
                    e);
        }
    }

    private static String target(URI realm, String query) {
        String path = realm.getRawPath() == null || realm.getRawPath().isEmpty() ? "/" : realm.getRawPath();
        String own = realm.getRawQuery();
        String all = own == null || own.isEmpty() ? query : query.isEmpty() ? own : own + "&" + query;
        return all.isEmpty() ? path : path + "?" + all;
    }

    private static String encode(Map<String, String> form) {
        StringBuilder body = new StringBuilder();
        form.forEach((name, value) ->
                body.append(body.isEmpty() ? "" : "&").append(name).append('=').append(encode(value)));
        return body.toString();
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}

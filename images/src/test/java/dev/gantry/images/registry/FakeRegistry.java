package dev.gantry.images.registry;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.gantry.testing.OciImages;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A registry on loopback that can be told to misbehave: each fault is used up by one request whose path contains its key. */
public final class FakeRegistry implements AutoCloseable {
    /** Does something else than a good registry; true if that was the answer. */
    @FunctionalInterface
    public interface Fault {
        boolean handle(HttpExchange exchange) throws IOException;
    }

    private record Planned(String path, Fault fault) {}

    private final HttpServer server;
    private final ExecutorService executor = Executors.newCachedThreadPool();
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Map<String, byte[]> blobs = new ConcurrentHashMap<>();
    private final Map<String, byte[]> manifests = new ConcurrentHashMap<>();
    private final Map<String, String> manifestTypes = new ConcurrentHashMap<>();
    private final Deque<Planned> faults = new ArrayDeque<>();
    private final ConcurrentLinkedQueue<String> requests = new ConcurrentLinkedQueue<>();

    public FakeRegistry() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(executor);
        server.createContext("/", this::handle);
        server.start();
    }

    public String authority() {
        return "127.0.0.1:" + server.getAddress().getPort();
    }

    public FakeRegistry push(OciImages.Image image, String repository, String tag) {
        blobs.putAll(image.blobs());
        return manifest(repository, tag, image.manifest(), OciImages.MANIFEST);
    }

    public FakeRegistry manifest(String repository, String tag, byte[] text, String type) {
        for (String target : List.of(tag, OciImages.digest(text))) {
            manifests.put(repository + "/" + target, text);
            manifestTypes.put(repository + "/" + target, type);
        }
        return this;
    }

    /** The next request whose path contains this text goes to the fault. */
    public FakeRegistry fault(String path, Fault fault) {
        synchronized (faults) {
            faults.add(new Planned(path, fault));
        }
        return this;
    }

    /** All of them do. */
    public FakeRegistry always(String path, Fault fault) {
        return fault(path, exchange -> {
            always(path, fault);
            return fault.handle(exchange);
        });
    }

    /** Method and path of each request, {@code +auth} if it had an Authorization header. */
    public List<String> requests() {
        return List.copyOf(requests);
    }

    public static Fault status(int status, String... headers) {
        return exchange -> {
            for (int i = 0; i + 1 < headers.length; i += 2) {
                exchange.getResponseHeaders().add(headers[i], headers[i + 1]);
            }
            exchange.sendResponseHeaders(status, -1);
            return true;
        };
    }

    /** Never answers. */
    public Fault hang() {
        return exchange -> {
            await();
            return true;
        };
    }

    /** Sends part of a blob, then closes the connection or goes silent. */
    public Fault partOf(byte[] blob, int bytes, boolean silent) {
        return exchange -> {
            exchange.sendResponseHeaders(200, blob.length);
            OutputStream out = exchange.getResponseBody();
            out.write(blob, 0, bytes);
            out.flush();
            if (silent) {
                await();
            }
            throw new IOException("cut");
        };
    }

    public static Fault body(byte[] body) {
        return exchange -> {
            exchange.sendResponseHeaders(200, body.length == 0 ? -1 : body.length);
            exchange.getResponseBody().write(body);
            return true;
        };
    }

    private void await() {
        try {
            closed.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            String path = exchange.getRequestURI().toString();
            boolean authorized = exchange.getRequestHeaders().containsKey("Authorization");
            String range = exchange.getRequestHeaders().getFirst("Range");
            requests.add(exchange.getRequestMethod() + " " + path + (authorized ? " +auth" : "")
                    + (range == null ? "" : " " + range));
            exchange.getRequestBody().readAllBytes();
            Fault fault = take(path);
            if (fault == null || !fault.handle(exchange)) {
                answer(exchange, exchange.getRequestURI().getPath(), range);
            }
        }
    }

    @org.jspecify.annotations.Nullable private Fault take(String path) {
        synchronized (faults) {
            for (Planned planned : faults) {
                if (path.contains(planned.path())) {
                    faults.remove(planned);
                    return planned.fault();
                }
            }
            return null;
        }
    }

    private void answer(HttpExchange exchange, String path, @org.jspecify.annotations.Nullable String range)
            throws IOException {
        int split = path.indexOf("/manifests/");
        byte[] content = null;
        if (path.equals("/v2/")) {
            content = "{}".getBytes(java.nio.charset.StandardCharsets.UTF_8);
        } else if (split > 0) {
            String key = path.substring("/v2/".length(), split) + "/" + path.substring(split + 11);
            content = manifests.get(key);
            if (content != null) {
                exchange.getResponseHeaders().add("Content-Type", manifestTypes.getOrDefault(key, ""));
                exchange.getResponseHeaders().add("Docker-Content-Digest", OciImages.digest(content));
            }
        } else if (path.contains("/blobs/")) {
            content = blobs.get(path.substring(path.lastIndexOf('/') + 1));
        }
        if (content == null) {
            exchange.sendResponseHeaders(404, -1);
        } else if (exchange.getRequestMethod().equals("HEAD")) {
            exchange.sendResponseHeaders(200, -1);
        } else if (range != null) {
            int from = Integer.parseInt(range.substring("bytes=".length(), range.length() - 1));
            exchange.getResponseHeaders()
                    .add("Content-Range", "bytes " + from + "-" + (content.length - 1) + "/" + content.length);
            exchange.sendResponseHeaders(206, content.length - from);
            exchange.getResponseBody().write(content, from, content.length - from);
        } else {
            exchange.sendResponseHeaders(200, content.length == 0 ? -1 : content.length);
            exchange.getResponseBody().write(content);
        }
    }

    @Override
    public void close() {
        closed.countDown();
        server.stop(0);
        executor.shutdownNow();
    }
}

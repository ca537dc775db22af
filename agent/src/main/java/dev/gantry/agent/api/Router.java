package dev.gantry.agent.api;

import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import java.io.IOException;
import java.util.List;

/** Finds what answers a request, and turns every failure into a {@code Status}. Runs on workers. */
final class Router {
    private final PodResource pods;
    private final PodEditResource edits;
    private final EventResource events;
    private final LogResource logs;
    private final ExecResource execs;
    private final ImageResource images;
    private final NodeResource node;

    Router(
            PodResource pods,
            PodEditResource edits,
            EventResource events,
            LogResource logs,
            ExecResource execs,
            ImageResource images,
            NodeResource node) {
        this.pods = pods;
        this.edits = edits;
        this.events = events;
        this.logs = logs;
        this.execs = execs;
        this.images = images;
        this.node = node;
    }

    /** Whether a request's body may be long and is worked on while it arrives. */
    boolean isUpload(HttpRequest request) {
        return request.method().equals(HttpMethod.POST) && request.uri().startsWith("/gantry/v1/images/load");
    }

    boolean isUpload(Request request) {
        return request.segments().equals(List.of("gantry", "v1", "images", "load"));
    }

    /** Answers a request, whatever happens. */
    void handle(Exchange exchange) {
        try {
            route(exchange);
        } catch (ApiException e) {
            fail(exchange, e);
        } catch (IOException e) {
            String message = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
            fail(exchange, ApiException.of(500, "InternalError", message));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            fail(exchange, ApiException.of(503, "ServiceUnavailable", "the agent is stopping"));
        } catch (RuntimeException e) {
            ApiServer.LOG
                    .atError()
                    .addKeyValue("method", exchange.request().method())
                    .addKeyValue("path", String.join("/", exchange.request().segments()))
                    .setCause(e)
                    .log("Could not answer a request");
            fail(
                    exchange,
                    ApiException.of(500, "InternalError", "the agent failed on this request; its log says more: " + e));
        }
    }

    private static void fail(Exchange exchange, ApiException e) {
        if (exchange.isStarted()) {
            exchange.abort();
        } else {
            exchange.status(e);
        }
    }

    private void route(Exchange exchange) throws ApiException, IOException, InterruptedException {
        Request request = exchange.request();
        refuseDryRun(!request.parameter("dryRun").isEmpty());
        List<String> path = request.segments();
        String first = path.isEmpty() ? "" : path.get(0);
        switch (first) {
            case "api" -> core(exchange, path);
            case "gantry" -> own(exchange, path);
            default -> {
                require(request, HttpMethod.GET, HttpMethod.HEAD);
                node.handle(exchange, path);
            }
        }
    }

    private void core(Exchange exchange, List<String> path) throws ApiException, IOException, InterruptedException {
        int size = path.size();
        if (size < 3 || !path.get(1).equals("v1")) {
            require(exchange.request(), HttpMethod.GET, HttpMethod.HEAD);
            node.discovery(exchange, path);
            return;
        }
        boolean namespaced = path.get(2).equals("namespaces") && size >= 4;
        String namespace = namespaced ? path.get(3) : "";
        List<String> rest = path.subList(namespaced ? 4 : 2, size);
        String resource = rest.isEmpty() ? "namespaces" : rest.get(0);
        if ((!namespaced && rest.size() > 1 && !resource.equals("nodes")) || rest.size() > 3) {
            throw ApiException.noSuchPath();
        }
        switch (resource) {
            case "pods" -> pods(exchange, namespace, rest);
            case "events" -> {
                require(exchange.request(), HttpMethod.GET);
                if (rest.size() == 1) {
                    events.list(exchange, namespace);
                } else {
                    events.get(exchange, namespace, rest.get(1));
                }
            }
            case "nodes" -> {
                require(exchange.request(), HttpMethod.GET);
                if (namespaced) {
                    throw ApiException.noSuchPath();
                }
                node.nodes(exchange, rest);
            }
            case "namespaces" -> {
                require(exchange.request(), HttpMethod.GET);
                node.namespaces(exchange, pods.namespaces(), namespace);
            }
            default -> throw ApiException.noSuchPath();
        }
    }

    private void pods(Exchange exchange, String namespace, List<String> rest)
            throws ApiException, IOException, InterruptedException {
        Request request = exchange.request();
        HttpMethod method = request.method();
        if (rest.size() == 1) {
            require(request, HttpMethod.GET, HttpMethod.POST);
            if (method.equals(HttpMethod.POST)) {
                if (namespace.isEmpty()) {
                    throw ApiException.of(
                            405, "MethodNotAllowed", "create pods below /api/v1/namespaces/NAMESPACE/pods");
                }
                pods.create(exchange, namespace);
            } else {
                pods.list(exchange, namespace);
            }
            return;
        }
        String name = rest.get(1);
        switch (rest.size() == 3 ? rest.get(2) : "") {
            case "" -> {
                require(request, HttpMethod.GET, HttpMethod.DELETE, HttpMethod.PATCH, HttpMethod.PUT);
                if (method.equals(HttpMethod.DELETE)) {
                    pods.delete(exchange, namespace, name);
                } else if (!method.equals(HttpMethod.GET)) {
                    edits.update(exchange, namespace, name);
                } else {
                    pods.get(exchange, namespace, name);
                }
            }
            case "status" -> {
                require(request, HttpMethod.GET, HttpMethod.PATCH, HttpMethod.PUT);
                if (method.equals(HttpMethod.GET)) {
                    pods.get(exchange, namespace, name);
                } else {
                    edits.report(exchange, namespace, name);
                }
            }
            case "resize" -> {
                require(request, HttpMethod.GET, HttpMethod.PATCH, HttpMethod.PUT);
                if (method.equals(HttpMethod.GET)) {
                    pods.get(exchange, namespace, name);
                } else {
                    edits.resize(exchange, namespace, name);
                }
            }
            case "ephemeralcontainers" -> {
                require(request, HttpMethod.GET, HttpMethod.PATCH, HttpMethod.PUT);
                if (method.equals(HttpMethod.GET)) {
                    pods.get(exchange, namespace, name);
                } else {
                    edits.debug(exchange, namespace, name);
                }
            }
            case "log" -> {
                require(request, HttpMethod.GET);
                logs.read(exchange, namespace, name);
            }
            case "exec" -> {
                require(request, HttpMethod.GET, HttpMethod.POST);
                execs.exec(exchange, namespace, name);
            }
            case "attach" -> {
                require(request, HttpMethod.GET, HttpMethod.POST);
                execs.attach(exchange, namespace, name);
            }
            default -> throw ApiException.noSuchPath();
        }
    }

    private void own(Exchange exchange, List<String> path) throws ApiException, IOException, InterruptedException {
        Request request = exchange.request();
        if (path.size() < 3 || !path.get(1).equals("v1")) {
            throw ApiException.noSuchPath();
        }
        String what = path.get(2);
        String object = path.size() > 3 ? String.join("/", path.subList(3, path.size())) : "";
        switch (what) {
            case "pods" -> {
                require(request, HttpMethod.POST);
                pods.createAll(exchange);
            }
            case "namespaces" -> {
                require(request, HttpMethod.POST);
                if (path.size() != 7
                        || !path.get(4).equals("pods")
                        || !path.get(6).equals("restart")) {
                    throw ApiException.noSuchPath();
                }
                edits.restart(exchange, path.get(3), path.get(5));
            }
            case "images" -> images.handle(exchange, object);
            case "explain" -> {
                require(request, HttpMethod.POST);
                node.explain(exchange);
            }
            case "check" -> {
                require(request, HttpMethod.GET);
                node.check(exchange);
            }
            default -> throw ApiException.noSuchPath();
        }
    }

    /** Who asks for nothing to be done would be surprised by what is done. */
    static void refuseDryRun(boolean asked) throws ApiException {
        if (asked) {
            throw ApiException.badRequest(
                    "dryRun is not supported, and nothing was changed; \"gantry explain -f FILE\" tries a manifest without running it");
        }
    }

    static void require(Request request, HttpMethod... methods) throws ApiException {
        if (!List.of(methods).contains(request.method())) {
            throw ApiException.of(
                    405,
                    "MethodNotAllowed",
                    "the server does not allow " + request.method() + " on the requested resource");
        }
    }
}

package dev.gantry.images.http;

import dev.gantry.images.source.Cancellation;
import java.io.Closeable;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Base64;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/** Sends requests; keeps a few connections for the next ones. May be used by several threads. */
public final class HttpTransport implements Closeable {
    private static final int KEPT_PER_ENDPOINT = 4;
    private static final long KEPT_NANOS = 10_000_000_000L;

    private final HttpTimeouts timeouts;
    private final TlsSource tls;
    private final ProxySettings proxies;
    private final Cancellation cancellation;
    private final Map<Endpoint, Deque<Kept>> kept = new HashMap<>();
    private boolean closed;

    /** How to trust a host, and what to show it. */
    @FunctionalInterface
    public interface TlsSource {
        SSLContext contextFor(Endpoint endpoint) throws IOException;
    }

    private record Kept(HttpConnection connection, long since) {}

    /** For one transfer, which {@code cancellation} ends by closing its connections. */
    public HttpTransport(HttpTimeouts timeouts, TlsSource tls, ProxySettings proxies, Cancellation cancellation) {
        this.timeouts = timeouts;
        this.tls = tls;
        this.proxies = proxies;
        this.cancellation = cancellation;
    }

    /** Sends the request and waits for the answer's headers. */
    public HttpResponse send(HttpRequest request) throws IOException {
        while (true) {
            HttpConnection connection = take(request.endpoint());
            if (connection == null) {
                connection = connect(request.endpoint());
            }
            boolean mayBeStale = connection.wasUsed();
            try {
                return exchange(connection, request);
            } catch (SocketTimeoutException e) {
                connection.close();
                throw e;
            } catch (IOException e) {
                connection.close();
                if (!mayBeStale || cancellation.isCancelled()) {
                    throw e;
                }
                // the host had closed a kept connection: once more on another
            }
        }
    }

    private HttpResponse exchange(HttpConnection connection, HttpRequest request) throws IOException {
        Runnable abort = connection::close;
        cancellation.onCancel(abort);
        boolean answered = false;
        try {
            HttpResponse response = connection.exchange(request, (used, reusable) -> {
                cancellation.forget(abort);
                giveBack(request.endpoint(), used, reusable);
            });
            answered = true;
            return response;
        } finally {
            if (!answered) {
                cancellation.forget(abort);
            }
        }
    }

    private synchronized @Nullable HttpConnection take(Endpoint endpoint) {
        Deque<Kept> idle = kept.get(endpoint);
        while (idle != null && !idle.isEmpty()) {
            Kept newest = idle.removeLast();
            if (System.nanoTime() - newest.since() < KEPT_NANOS) {
                return newest.connection();
            }
            newest.connection().close();
        }
        return null;
    }

    private synchronized void giveBack(Endpoint endpoint, HttpConnection connection, boolean reusable) {
        Deque<Kept> idle = kept.computeIfAbsent(endpoint, e -> new ArrayDeque<>());
        if (!reusable || closed || idle.size() >= KEPT_PER_ENDPOINT) {
            connection.close();
        } else {
            idle.addLast(new Kept(connection, System.nanoTime()));
        }
    }

    // --- connecting

    private HttpConnection connect(Endpoint endpoint) throws IOException {
        Optional<URI> proxy = proxies.forEndpoint(endpoint);
        Socket raw = proxy.isPresent() ? tunnel(proxy.get(), endpoint) : dial(endpoint.host(), endpoint.port());
        Runnable abort = () -> closeQuietly(raw);
        cancellation.onCancel(abort);
        boolean done = false;
        try {
            Socket socket = endpoint.tls() ? handshake(endpoint, raw) : raw;
            HttpConnection connection = new HttpConnection(endpoint, raw, socket, timeouts);
            done = true;
            return connection;
        } finally {
            cancellation.forget(abort);
            if (!done) {
                closeQuietly(raw);
            }
        }
    }

    private static void closeQuietly(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            // nothing is left to be done about it
        }
    }

    /** Each address in turn, until one accepts. */
    private Socket dial(String host, int port) throws IOException {
        InetAddress[] addresses;
        try {
            addresses = InetAddress.getAllByName(host);
        } catch (UnknownHostException e) {
            throw new UnknownHostException("the name '" + host + "' cannot be resolved");
        }
        IOException last = new ConnectException("no address");
        for (InetAddress address : addresses) {
            Socket socket = new Socket();
            Runnable abort = () -> closeQuietly(socket);
            cancellation.onCancel(abort);
            try {
                socket.setTcpNoDelay(true);
                socket.connect(new InetSocketAddress(address, port), (int)
                        timeouts.connect().toMillis());
                return socket;
            } catch (IOException e) {
                closeQuietly(socket);
                last = e;
                if (cancellation.isCancelled()) {
                    break;
                }
            } finally {
                cancellation.forget(abort);
            }
        }
        throw last;
    }

    private Socket handshake(Endpoint endpoint, Socket raw) throws IOException {
        raw.setSoTimeout((int) timeouts.connect().toMillis());
        SSLSocket socket = (SSLSocket)
                tls.contextFor(endpoint).getSocketFactory().createSocket(raw, endpoint.host(), endpoint.port(), true);
        SSLParameters parameters = socket.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        socket.setSSLParameters(parameters);
        socket.startHandshake();
        return socket;
    }

    private Socket tunnel(URI proxy, Endpoint endpoint) throws IOException {
        if (!"http".equals(proxy.getScheme()) || proxy.getHost() == null) {
            throw new HttpException("HTTPS_PROXY is no URL like http://host:port");
        }
        Socket socket = dial(proxy.getHost(), proxy.getPort() < 0 ? 80 : proxy.getPort());
        boolean done = false;
        try {
            socket.setSoTimeout((int) timeouts.connect().toMillis());
            String authorization = proxy.getUserInfo() == null
                    ? ""
                    : "Proxy-Authorization: Basic "
                            + Base64.getEncoder()
                                    .encodeToString(proxy.getUserInfo().getBytes(StandardCharsets.UTF_8))
                            + "\r\n";
            String request = "CONNECT " + endpoint.hostAndPort() + " HTTP/1.1\r\nHost: " + endpoint.hostAndPort()
                    + "\r\n" + authorization + "\r\n";
            socket.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
            String answer = readHead(socket);
            if (!answer.matches("(?s)HTTP/1\\.[01] 2\\d\\d.*")) {
                int end = answer.indexOf('\r');
                throw new HttpException("the proxy " + proxy.getHost() + " refuses to connect to " + endpoint + ": '"
                        + dev.gantry.images.Quoted.cut(end < 0 ? answer : answer.substring(0, end), 60) + "'");
            }
            done = true;
            return socket;
        } finally {
            if (!done) {
                closeQuietly(socket);
            }
        }
    }

    /** Byte by byte: what follows the empty line belongs to TLS. */
    private static String readHead(Socket socket) throws IOException {
        StringBuilder head = new StringBuilder();
        while (head.length() < 16 << 10) {
            int b = socket.getInputStream().read();
            if (b < 0) {
                throw new HttpException("the proxy closed the connection");
            }
            head.append((char) b);
            if (b == '\n'
                    && head.length() >= 4
                    && head.substring(head.length() - 4).equals("\r\n\r\n")) {
                return head.toString();
            }
        }
        throw new HttpException("the proxy sends too long an answer");
    }

    @Override
    public synchronized void close() {
        closed = true;
        kept.values().forEach(idle -> idle.forEach(each -> each.connection().close()));
        kept.clear();
    }
}

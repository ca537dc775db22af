package dev.gantry.probes;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoop;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.ssl.NotSslRecordException;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Sends GET requests: no proxy, no keep-alive, no compression, no check of certificates. */
final class HttpProbe {
    /** Go's {@code net/http} default, which the kubelet follows. */
    private static final int MAX_REDIRECTS = 10;

    private static final String USER_AGENT = "kube-probe/1.36";

    private final EventLoop loop;
    private final Connector connector;
    private @Nullable SslContext insecureTls;

    HttpProbe(EventLoop loop, Class<? extends SocketChannel> channelType, HostNames names) {
        this.loop = loop;
        connector = new Connector(loop, channelType, names);
    }

    CompletableFuture<ProbeResult> probe(ProbeAction.HttpGet get, Duration timeout) {
        Attempt attempt = new Attempt(loop, timeout, "Get \"" + get.url() + "\"");
        send(attempt, get, 0);
        return attempt.result();
    }

    private void send(Attempt attempt, ProbeAction.HttpGet get, int redirects) {
        String what = "Get \"" + get.url() + "\"";
        ChannelInitializer<SocketChannel> pipeline = new ChannelInitializer<>() {
            @Override
            protected void initChannel(SocketChannel channel) throws SSLException {
                if (get.tls()) {
                    channel.pipeline().addLast(insecureTls().newHandler(channel.alloc(), get.host(), get.port()));
                }
                channel.pipeline()
                        .addLast(
                                new HttpClientCodec(new HttpDecoderConfig().setMaxHeaderSize(64 * 1024), false, false),
                                new Answer(attempt, get, redirects));
            }
        };
        connector.connect(
                attempt,
                get.host(),
                get.port(),
                pipeline,
                what,
                channel -> channel.writeAndFlush(request(get)).addListener(done -> {
                    if (!done.isSuccess()) {
                        attempt.end(broken(what, done.cause()));
                    }
                }));
    }

    /** What became of a connection that was made. */
    private static ProbeResult.Failed broken(String what, Throwable cause) {
        for (Throwable one = cause; one != null; one = one.getCause()) {
            if (one instanceof NotSslRecordException) {
                return new ProbeResult.Failed(what + ": the server does not speak TLS", true);
            }
        }
        return new ProbeResult.Failed(what + ": " + Attempt.reason(cause));
    }

    /** Verification is off by the API's contract: a probe asks whether the server answers, not who it is. */
    private SslContext insecureTls() throws SSLException {
        if (insecureTls == null) {
            insecureTls = SslContextBuilder.forClient()
                    .trustManager(InsecureTrustManagerFactory.INSTANCE)
                    .endpointIdentificationAlgorithm(null)
                    .build();
        }
        return insecureTls;
    }

    private static DefaultFullHttpRequest request(ProbeAction.HttpGet get) {
        var request = new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.GET, get.path());
        HttpHeaders headers = request.headers();
        headers.set(HttpHeaderNames.HOST, ProbeAction.hostAndPort(get.host(), get.port()));
        headers.set(HttpHeaderNames.USER_AGENT, USER_AGENT);
        headers.set(HttpHeaderNames.ACCEPT, "*/*");
        // The first of a name replaces the default, the following ones add, so that repeated headers arrive as written.
        List<Map.Entry<String, String>> own = get.headers();
        own.forEach(header -> headers.remove(header.getKey()));
        own.stream()
                .filter(header -> !header.getValue().isEmpty() || !isDefault(header.getKey()))
                .forEach(header -> headers.add(header.getKey(), header.getValue()));
        if (!headers.contains(HttpHeaderNames.HOST)) {
            headers.set(HttpHeaderNames.HOST, ProbeAction.hostAndPort(get.host(), get.port()));
        }
        headers.set(HttpHeaderNames.CONNECTION, "close");
        return request;
    }

    /** Those that are sent unasked are left out where the probe says nothing for them. */
    private static boolean isDefault(String header) {
        return header.equalsIgnoreCase("Accept")
                || header.equalsIgnoreCase("User-Agent")
                || header.equalsIgnoreCase("Host");
    }

    private final class Answer extends SimpleChannelInboundHandler<HttpObject> {
        private final Attempt attempt;
        private final ProbeAction.HttpGet get;
        private final int redirects;
        private final StringBuilder body = new StringBuilder();
        private @Nullable HttpResponse response;
        private int bodyBytes;
        private boolean followed;

        Answer(Attempt attempt, ProbeAction.HttpGet get, int redirects) {
            this.attempt = attempt;
            this.get = get;
            this.redirects = redirects;
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, HttpObject message) {
            if (attempt.isOver() || followed) {
                return;
            }
            if (message.decoderResult().isFailure()) {
                fail("malformed HTTP response: "
                        + Attempt.reason(message.decoderResult().cause()));
                return;
            }
            if (message instanceof HttpResponse head) {
                response = head;
                if (isRedirect(head.status().code())) {
                    follow(head);
                    return;
                }
            }
            if (message instanceof HttpContent content && response != null) {
                append(content.content());
                if (message instanceof LastHttpContent || bodyBytes >= ProbeResult.MAX_OUTPUT_BYTES) {
                    conclude(response);
                }
            }
        }

        private void append(ByteBuf bytes) {
            int length = Math.min(bytes.readableBytes(), ProbeResult.MAX_OUTPUT_BYTES - bodyBytes);
            body.append(bytes.toString(bytes.readerIndex(), length, StandardCharsets.UTF_8));
            bodyBytes += length;
        }

        private void conclude(HttpResponse answered) {
            int code = answered.status().code();
            attempt.end(
                    get.anyStatus() || (code >= 200 && code < 400)
                            ? new ProbeResult.Passed(body.toString())
                            : new ProbeResult.Failed("HTTP probe failed with statuscode: " + code));
        }

        private boolean isRedirect(int code) {
            return code == 301 || code == 302 || code == 303 || code == 307 || code == 308;
        }

        /** A redirect within the host name is followed; one that leaves it passes with a warning. */
        private void follow(HttpResponse head) {
            String location = head.headers().get(HttpHeaderNames.LOCATION, "");
            try {
                URI target = new URI(get.url()).resolve(new URI(location));
                String host = target.getHost();
                if (location.isEmpty() || host == null) {
                    fail("redirect (status code %d) without a usable Location"
                            .formatted(head.status().code()));
                } else if (!host.equalsIgnoreCase(new URI(get.url()).getHost())) {
                    attempt.end(new ProbeResult.Warned("Probe terminated redirects, Response body: " + body));
                } else if (redirects + 1 >= MAX_REDIRECTS) {
                    fail("stopped after %d redirects".formatted(MAX_REDIRECTS));
                } else {
                    followed = true;
                    send(attempt, redirected(target), redirects + 1);
                }
            } catch (URISyntaxException | IllegalArgumentException e) {
                fail("redirect to a malformed Location: " + Attempt.reason(e));
            }
        }

        private ProbeAction.HttpGet redirected(URI target) {
            boolean tls = "https".equalsIgnoreCase(target.getScheme());
            int port = target.getPort() >= 0 ? target.getPort() : tls ? 443 : 80;
            String path = target.getRawPath() == null || target.getRawPath().isEmpty() ? "/" : target.getRawPath();
            String query = target.getRawQuery() == null ? "" : "?" + target.getRawQuery();
            return new ProbeAction.HttpGet(tls, get.host(), port, path + query, get.headers(), get.anyStatus());
        }

        private void fail(String reason) {
            attempt.end(new ProbeResult.Failed("Get \"" + get.url() + "\": " + reason));
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            if (!followed) {
                fail(response == null ? "EOF" : "unexpected EOF");
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            if (!followed) {
                attempt.end(broken("Get \"" + get.url() + "\"", cause));
            }
        }
    }
}

package dev.gantry.runtime.streaming;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PingWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PongWebSocketFrame;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;

/** Numbered channels in one WebSocket: each message begins with the channel's byte, or digit where messages are text. */
abstract class WebSocketChannels extends SimpleChannelInboundHandler<WebSocketFrame> {
    /** Version 5: {@code [255, n]} closes channel n. */
    private static final int CLOSE_CHANNEL = 255;

    private final StreamProtocol protocol;

    WebSocketChannels(StreamProtocol protocol) {
        this.protocol = protocol;
    }

    /** Bytes came on a channel, on the event loop. */
    abstract void received(int channel, byte[] bytes);

    /** The client closed a channel. */
    abstract void closed(int channel);

    /** The client is gone; called once. */
    abstract void hungUp();

    /** Sends bytes and waits until they have left. */
    final void send(Channel connection, int channel, byte[] bytes, int length)
            throws IOException, InterruptedException {
        Wire.write(connection, message(channel, bytes, length));
    }

    /** One message as the protocol's version has it. */
    final WebSocketFrame message(int channel, byte[] bytes, int length) {
        if (protocol.isBase64()) {
            byte[] exact = length == bytes.length ? bytes : Arrays.copyOf(bytes, length);
            return new TextWebSocketFrame(
                    (char) ('0' + channel) + Base64.getEncoder().encodeToString(exact));
        }
        ByteBuf content = Unpooled.buffer(length + 1).writeByte(channel).writeBytes(bytes, 0, length);
        return new BinaryWebSocketFrame(content);
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, WebSocketFrame frame) {
        if (frame instanceof PingWebSocketFrame) {
            context.writeAndFlush(new PongWebSocketFrame(frame.content().retain()));
        } else if (frame instanceof CloseWebSocketFrame close) {
            context.writeAndFlush(close.retain()).addListener(done -> context.close());
        } else if (frame instanceof BinaryWebSocketFrame && !protocol.isBase64()) {
            binary(frame.content());
        } else if (frame instanceof TextWebSocketFrame text && protocol.isBase64()) {
            text(context, text.text());
        }
    }

    private void binary(ByteBuf content) {
        if (!content.isReadable()) {
            return;
        }
        int channel = content.readUnsignedByte();
        if (channel == CLOSE_CHANNEL && protocol.closesChannels() && content.readableBytes() == 1) {
            closed(content.readUnsignedByte());
        } else {
            received(channel, Wire.bytes(content));
        }
    }

    private void text(ChannelHandlerContext context, String text) {
        if (text.isEmpty()) {
            return;
        }
        int channel = text.charAt(0) - '0';
        try {
            if (channel < 0) {
                throw new IllegalArgumentException("a message begins with the digit of its channel");
            }
            received(channel, Base64.getDecoder().decode(text.substring(1).getBytes(StandardCharsets.ISO_8859_1)));
        } catch (IllegalArgumentException e) {
            // A client that breaks the encoding cannot be understood from here on.
            context.close();
        }
    }

    @Override
    public final void channelInactive(ChannelHandlerContext context) {
        hungUp();
    }

    @Override
    public final void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        context.close();
    }
}

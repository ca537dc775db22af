package dev.gantry.images.http;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** An answer whose body has not been read yet. Closing it after the whole body keeps the connection for the next request. */
public final class HttpResponse implements Closeable {
    private final int status;
    private final Map<String, List<String>> headers;
    private final InputStream body;

    /** {@code headers} by lower-case name; {@code body} closes or keeps the connection when it is closed. */
    HttpResponse(int status, Map<String, List<String>> headers, InputStream body) {
        this.status = status;
        this.headers = headers;
        this.body = body;
    }

    public int status() {
        return status;
    }

    /** The first header of this name. */
    public Optional<String> header(String name) {
        return headers(name).stream().findFirst();
    }

    public List<String> headers(String name) {
        return headers.getOrDefault(name.toLowerCase(Locale.ROOT), List.of());
    }

    public InputStream body() {
        return body;
    }

    /** The whole body; longer than {@code maxBytes} is an error. */
    public byte[] readBody(int maxBytes) throws IOException {
        byte[] content = body.readNBytes(maxBytes);
        if (body.read() >= 0) {
            throw new HttpException("the answer is longer than " + maxBytes + " bytes");
        }
        return content;
    }

    /** At most this much of the body, whatever else comes: for error messages. */
    public byte[] readStart(int maxBytes) throws IOException {
        return body.readNBytes(maxBytes);
    }

    @Override
    public void close() throws IOException {
        body.close();
    }
}

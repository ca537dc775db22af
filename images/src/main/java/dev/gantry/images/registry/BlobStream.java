package dev.gantry.images.registry;

import dev.gantry.images.Digest;
import dev.gantry.images.ImageException;
import dev.gantry.images.ImageException.Code;
import dev.gantry.images.Quoted;
import dev.gantry.images.http.HttpException;
import dev.gantry.images.http.HttpRequest;
import dev.gantry.images.http.HttpResponse;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A blob's bytes from a registry. A cut or stalled line is taken up again where it broke, by a range request, as long as
 * there is progress in between. Whether the bytes are right is for the reader to find out.
 */
final class BlobStream extends InputStream {
    /** Of one blob, however much progress there is in between. */
    private static final int MOST_RESUMPTIONS = 100;

    private final HostLink host;
    private final Digest digest;
    private final long size;
    private @Nullable HttpResponse response;
    private long offset;
    private int failures;
    private int resumptions;
    private boolean closed;

    /** From {@code offset} on. */
    BlobStream(HostLink host, Digest digest, long size, long offset) {
        this.host = host;
        this.digest = digest;
        this.size = size;
        this.offset = offset;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int at, int length) throws IOException {
        while (true) {
            if (closed) {
                throw new IOException("closed");
            }
            try {
                HttpResponse open = response == null ? open() : response;
                int n = open.body().read(target, at, length);
                if (n < 0 && offset < size) {
                    throw new EOFException("the host ended the body early");
                }
                if (n > 0) {
                    offset += n;
                    failures = 0;
                }
                return n;
            } catch (ImageException | HttpException e) {
                throw e;
            } catch (IOException e) {
                retry(e);
            }
        }
    }

    private HttpRequest request(RegistryClient client) {
        HttpRequest request = client.request("GET", "blobs/" + digest)
                // offsets are to be those of the blob itself
                .with("Accept-Encoding", "identity");
        return offset == 0 ? request : request.with("Range", "bytes=" + offset + "-");
    }

    private HttpResponse open() throws IOException {
        HttpResponse opened;
        try {
            opened = host.ask(client -> client.send(request(client)));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        }
        response = opened;
        if (offset > 0 && opened.status() == 206) {
            String range = opened.header("content-range").orElse("");
            if (!range.replace(" ", "").startsWith("bytes" + offset + "-")) {
                throw new HttpException(
                        "the host was asked for bytes from " + offset + " and sends '" + Quoted.cut(range, 60) + "'");
            }
        } else {
            checkLength(opened.header("content-length"));
            skip(opened.body()); // if it sends all of it again
        }
        return opened;
    }

    private void checkLength(Optional<String> length) throws ImageException {
        if (length.isPresent() && !length.get().equals(Long.toString(size))) {
            throw new ImageException(
                    Code.DIGEST_MISMATCH,
                    "the registry sends " + Quoted.cut(length.get(), 20) + " bytes, the manifest says " + size);
        }
    }

    private void skip(InputStream body) throws IOException {
        byte[] discarded = new byte[64 << 10];
        long left = offset;
        while (left > 0) {
            int n = body.read(discarded, 0, (int) Math.min(left, discarded.length));
            if (n < 0) {
                throw new EOFException("the body ends before byte " + offset);
            }
            left -= n;
        }
    }

    private void retry(IOException e) throws IOException {
        closeResponse();
        RegistryClient client = chosen();
        ImageException failure = client.failed(request(client), e);
        if (failure.code() == Code.CANCELLED || (e instanceof InterruptedIOException && !isTimeout(e))) {
            throw failure;
        }
        Optional<Duration> delay = client.retries().delay(++failures, Optional.empty());
        if (delay.isEmpty() || ++resumptions > MOST_RESUMPTIONS) {
            throw new ImageException(
                    failure.code(), failure.getMessage() + " (after " + offset + " of " + size + " bytes)", e);
        }
        try {
            client.pause(delay.get());
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        }
    }

    private RegistryClient chosen() throws IOException {
        try {
            return host.client();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        }
    }

    private static boolean isTimeout(IOException e) {
        return e instanceof java.net.SocketTimeoutException;
    }

    private void closeResponse() {
        HttpResponse open = response;
        response = null;
        if (open != null) {
            try {
                open.close();
            } catch (IOException e) {
                // it is given up anyway
            }
        }
    }

    @Override
    public void close() {
        closed = true;
        closeResponse();
    }
}

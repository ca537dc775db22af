package dev.gantry.images.registry;

import dev.gantry.images.Digest;
import dev.gantry.images.ImageException;
import dev.gantry.images.http.HttpException;
import dev.gantry.images.registry.RegistryHost.Capability;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/** A blob's bytes from the first host that has them; where one fails in the middle, the next one goes on. */
final class HostsBlob extends InputStream {
    private final Digest digest;
    private final long size;
    private final Iterator<HostLink> left;
    private final HostChain.Failures failures;
    private @Nullable HostLink host;
    private @Nullable BlobStream stream;
    private long offset;
    private boolean closed;

    HostsBlob(HostChain hosts, Digest digest, long size) throws ImageException {
        this.digest = digest;
        this.size = size;
        this.failures = hosts.new Failures();
        this.left = hosts.able(Capability.PULL, failures).iterator();
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int at, int length) throws IOException {
        while (true) {
            BlobStream open = stream == null ? next() : stream;
            try {
                int n = open.read(target, at, length);
                offset += Math.max(n, 0);
                return n;
            } catch (ImageException e) {
                failed(e);
            } catch (HttpException e) {
                failed(new ImageException(ImageException.Code.REGISTRY_ERROR, String.valueOf(e.getMessage()), e));
            }
        }
    }

    private BlobStream next() throws IOException {
        if (closed) {
            throw new IOException("closed");
        }
        if (!left.hasNext()) {
            throw failures.all();
        }
        HostLink link = left.next();
        BlobStream opened = new BlobStream(link, digest, size, offset);
        host = link;
        stream = opened;
        return opened;
    }

    private void failed(ImageException failure) throws IOException {
        HostLink link = host;
        close(stream);
        stream = null;
        if (Thread.currentThread().isInterrupted()) {
            throw new InterruptedIOException("interrupted");
        }
        if (link != null) {
            failures.add(link, failure);
        }
        if (!left.hasNext()) {
            throw failures.all();
        }
    }

    private static void close(@Nullable BlobStream stream) {
        if (stream != null) {
            stream.close();
        }
    }

    @Override
    public void close() {
        closed = true;
        close(stream);
        stream = null;
    }
}

package dev.gantry.images.layer;

import dev.gantry.images.Digest;
import dev.gantry.images.Quoted;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FileCalls;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A layer on its way from the wire to the disk: received and hashed by the calling thread, decompressed by a second, hashed
 * again and unpacked by a third. Done only if both hashes and the size are right.
 */
public final class LayerStream {
    private static final int CHUNKS = 6;
    private static final int RECEIVED_BYTES = 128 << 10;
    private static final int UNPACKED_BYTES = 256 << 10;

    private final FileCalls files;
    private final OverlayFlavour flavour;
    private final LayerLimits limits;
    private final Executor executor;

    /**
     * Sets the surroundings.
     *
     * @param executor runs two tasks per layer at once that wait for each other: it must not queue
     */
    public LayerStream(FileCalls files, OverlayFlavour flavour, LayerLimits limits, Executor executor) {
        this.files = files;
        this.flavour = flavour;
        this.limits = limits;
        this.executor = executor;
    }

    /**
     * What a layer must turn out to be.
     *
     * @param blob digest of the bytes as they come; null if nobody has said
     * @param size of the bytes as they come; -1 if nobody has said
     * @param diffId digest of the tar
     */
    public record Expected(@Nullable Digest blob, long size, Digest diffId) {}

    /** The bytes are not those that the digest or the size promise. */
    public static final class MismatchException extends IOException {
        MismatchException(String message) {
            super(message);
        }
    }

    /**
     * Receives and unpacks.
     *
     * @param in compressed or plain; read to its end; not closed
     * @param root an empty directory of this call alone
     * @param received is told of each piece's length
     */
    public UnpackedLayer unpack(InputStream in, Expected expected, Fd root, LongConsumer received)
            throws IOException, InterruptedException {
        ChunkPipe compressed = new ChunkPipe(CHUNKS, RECEIVED_BYTES);
        ChunkPipe plain = new ChunkPipe(CHUNKS, UNPACKED_BYTES);
        CompletableFuture<Boolean> decompression = start(() -> decompress(compressed, plain));
        CompletableFuture<UnpackedLayer> unpacking = start(() -> unpack(plain, expected.diffId(), root));
        IOException failure = null;
        try {
            receive(in, expected, compressed, received);
        } catch (IOException e) {
            failure = e;
            compressed.fail(e);
        } catch (RuntimeException | Error e) {
            compressed.fail(new IOException("unexpected: " + e, e));
            plain.abort(new IOException("unexpected: " + e, e));
            throw e;
        } finally {
            compressed.finish();
        }
        failure = worse(failure, outcome(decompression));
        failure = worse(failure, outcome(unpacking));
        if (failure != null) {
            throw failure;
        }
        return unpacking.join();
    }

    private interface Stage<T> {
        T run() throws IOException;
    }

    private <T> CompletableFuture<T> start(Stage<T> stage) {
        CompletableFuture<T> future = new CompletableFuture<>();
        executor.execute(() -> {
            try {
                future.complete(stage.run());
            } catch (Throwable e) {
                future.completeExceptionally(e);
            }
        });
        return future;
    }

    /** The stages end by themselves soon after the first has failed: each makes its neighbours' next call fail. */
    private static @Nullable IOException outcome(CompletableFuture<?> stage) throws InterruptedException {
        try {
            stage.get();
            return null;
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            return cause instanceof IOException io ? io : new IOException("unexpected: " + cause, cause);
        }
    }

    /** A stage that was stopped by another's failure is not the one to report. */
    private static @Nullable IOException worse(@Nullable IOException first, @Nullable IOException second) {
        if (first == null || (first instanceof ChunkPipe.AbortedException && second != null)) {
            return second;
        }
        return first;
    }

    private static void receive(InputStream in, Expected expected, ChunkPipe out, LongConsumer received)
            throws IOException {
        String algorithm =
                expected.blob() == null ? Digest.SHA256 : expected.blob().algorithm();
        MessageDigest hash = Digest.hasher(algorithm);
        long total = 0;
        ChunkPipe.AbortedException refused = null;
        byte[] discarded = {};
        while (true) {
            byte[] buffer = discarded;
            try {
                buffer = refused == null ? out.acquire() : discarded;
            } catch (ChunkPipe.AbortedException e) {
                refused = readOnOrThrow(e);
                buffer = discarded = new byte[RECEIVED_BYTES];
            }
            int n = in.read(buffer, 0, buffer.length);
            if (n < 0) {
                break;
            }
            total += n;
            if (expected.size() >= 0 && total > expected.size()) {
                throw new MismatchException(
                        "layer has more than the " + expected.size() + " bytes that its manifest says");
            }
            if (expected.blob() != null) {
                hash.update(buffer, 0, n);
            }
            if (refused == null) {
                try {
                    out.commit(buffer, n);
                } catch (ChunkPipe.AbortedException e) {
                    refused = readOnOrThrow(e);
                    discarded = new byte[RECEIVED_BYTES];
                }
            }
            received.accept(n);
        }
        if (expected.size() >= 0 && total != expected.size()) {
            throw new MismatchException("layer has " + total + " bytes, its manifest says " + expected.size());
        }
        if (expected.blob() != null) {
            Digest found = Digest.finish(algorithm, hash.digest());
            if (!found.equals(expected.blob())) {
                throw new MismatchException("layer has the digest " + found + ", its manifest says " + expected.blob());
            }
        }
        if (refused != null) {
            throw refused;
        }
    }

    /** Nonsense in a layer mostly means that these are not the right bytes at all: only their digest can tell. */
    private static ChunkPipe.AbortedException readOnOrThrow(ChunkPipe.AbortedException e)
            throws ChunkPipe.AbortedException {
        for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
            if (cause instanceof LayerFormatException || cause instanceof MismatchException) {
                return e;
            }
        }
        throw e;
    }

    private Boolean decompress(ChunkPipe in, ChunkPipe out) throws IOException {
        CountedStream counted = new CountedStream(in);
        try (InputStream stream = Compression.decompress(counted)) {
            long total = 0;
            while (true) {
                byte[] buffer = out.acquire();
                int n = stream.readNBytes(buffer, 0, buffer.length);
                if (n == 0) {
                    break;
                }
                total += n;
                checkSize(total, counted.count);
                out.commit(buffer, n);
            }
            if (counted.read() >= 0) {
                throw new LayerFormatException("layer has bytes behind the end of its compressed stream");
            }
            out.finish();
            return true;
        } catch (IOException | RuntimeException e) {
            IOException reason = zstdOr(e);
            out.fail(reason);
            in.abort(reason);
            throw reason;
        }
    }

    /** zstd-jni says what is wrong with the data by an exception of its own, which is an IOException without more. */
    private static IOException zstdOr(Exception e) {
        if (e instanceof com.github.luben.zstd.ZstdIOException) {
            return new LayerFormatException("zstd: " + e.getMessage(), e);
        }
        return e instanceof IOException io ? io : new IOException("decompress: " + e, e);
    }

    private void checkSize(long total, long compressed) throws LayerFormatException {
        if (total > limits.totalBytes()) {
            throw new LayerFormatException("layer has more than " + limits.totalBytes() + " bytes uncompressed");
        }
        if (total > limits.ratioFreeBytes() && total / limits.ratio() > compressed) {
            throw new LayerFormatException("layer grows more than " + limits.ratio()
                    + "-fold when uncompressed, beyond " + limits.ratioFreeBytes() + " bytes: a decompression bomb");
        }
    }

    private UnpackedLayer unpack(ChunkPipe in, Digest diffId, Fd root) throws IOException {
        HashedStream hashed = new HashedStream(in, diffId.hasher());
        try (LayerUnpacker unpacker = new LayerUnpacker(files, root, flavour, limits)) {
            UnpackedLayer result = unpacker.unpack(new TarReader(hashed, limits));
            byte[] rest = new byte[16 << 10];
            while (hashed.read(rest, 0, rest.length) >= 0) {
                // what stands behind the end mark belongs to the digest
            }
            Digest found = Digest.finish(diffId.algorithm(), hashed.hash.digest());
            if (!found.equals(diffId)) {
                throw new MismatchException("layer has the digest " + found + " uncompressed, the image's config says "
                        + Quoted.cut(diffId.toString()));
            }
            return result;
        } catch (IOException e) {
            in.abort(e);
            throw e;
        } catch (RuntimeException | Error e) {
            in.abort(new IOException("unpack: " + e, e));
            throw e;
        }
    }

    private static final class CountedStream extends InputStream {
        private final InputStream in;
        private long count;

        CountedStream(InputStream in) {
            this.in = in;
        }

        @Override
        public int read() throws IOException {
            int b = in.read();
            count += b < 0 ? 0 : 1;
            return b;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            int n = in.read(target, offset, length);
            count += Math.max(n, 0);
            return n;
        }
    }

    private static final class HashedStream extends InputStream {
        private final InputStream in;
        private final MessageDigest hash;

        HashedStream(InputStream in, MessageDigest hash) {
            this.in = in;
            this.hash = hash;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            int n = in.read(target, offset, length);
            if (n > 0) {
                hash.update(target, offset, n);
            }
            return n;
        }

        @Override
        public long skip(long count) throws IOException {
            byte[] skipped = new byte[(int) Math.min(count, 64 << 10)];
            return Math.max(0, read(skipped, 0, skipped.length));
        }
    }
}

package dev.gantry.images.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.github.luben.zstd.Zstd;
import dev.gantry.testing.OciImages;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CompressionTest {
    private static final byte[] CONTENT = new byte[500_000];

    static {
        Random random = new Random(7);
        for (int i = 0; i < CONTENT.length; i++) {
            CONTENT[i] = (byte) random.nextInt(20);
        }
    }

    private static byte[] decompress(byte[] input) throws IOException {
        try (InputStream in = Compression.decompress(new ByteArrayInputStream(input) {
            @Override
            public synchronized int read(byte[] b, int off, int len) {
                return super.read(b, off, Math.min(len, 777));
            }
        })) {
            return in.readAllBytes();
        }
    }

    private static byte[] join(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }

    @Test
    void theFirstBytesTell() throws Exception {
        assertThat(decompress(CONTENT)).isEqualTo(CONTENT);
        assertThat(decompress(OciImages.gzip(CONTENT))).isEqualTo(CONTENT);
        assertThat(decompress(Zstd.compress(CONTENT))).isEqualTo(CONTENT);
        assertThat(decompress(new byte[0])).isEmpty();
    }

    @Test
    void membersAndFramesAreJoined() throws Exception {
        byte[] twice = join(CONTENT, CONTENT);
        byte[] skippable = {0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3};

        assertThat(decompress(join(OciImages.gzip(CONTENT), OciImages.gzip(CONTENT))))
                .isEqualTo(twice);
        assertThat(decompress(join(OciImages.gzip(CONTENT), new byte[100]))).isEqualTo(CONTENT);
        assertThat(decompress(join(skippable, Zstd.compress(CONTENT), Zstd.compress(CONTENT))))
                .isEqualTo(twice);
    }

    @Test
    void cutOrForeignInputIsAnError() {
        byte[] gzip = OciImages.gzip(CONTENT);
        byte[] zstd = Zstd.compress(CONTENT);
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> decompress(Arrays.copyOf(gzip, gzip.length / 2)))
                .withMessage("gzip: ends early");
        assertThatExceptionOfType(IOException.class).isThrownBy(() -> decompress(Arrays.copyOf(zstd, zstd.length / 2)));
        assertThatExceptionOfType(LayerFormatException.class)
                .isThrownBy(() -> decompress(join(gzip, new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})));
        assertThatExceptionOfType(LayerFormatException.class)
                .isThrownBy(() -> decompress(new byte[] {(byte) 0xfd, '7', 'z', 'X', 'Z', 0, 0}))
                .withMessageContaining("xz");
    }
}

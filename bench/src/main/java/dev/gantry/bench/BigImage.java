package dev.gantry.bench;

import dev.gantry.packaging.DemoImage;
import dev.gantry.packaging.OciArchive;
import dev.gantry.packaging.TarBuilder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * An image of 200 MB in four layers of many files, half of each file random: it compresses about as well as programs and
 * libraries do.
 */
final class BigImage {
    private static final int LAYERS = 4;
    private static final int FILES = 400;
    private static final int FILE_BYTES = 128 * 1024;

    private BigImage() {}

    static OciArchive create(String name) {
        Random random = new Random(1);
        List<byte[]> layers = new ArrayList<>();
        for (int layer = 0; layer < LAYERS; layer++) {
            TarBuilder tar = new TarBuilder().directory("data" + layer, 0755);
            for (int file = 0; file < FILES; file++) {
                byte[] content = new byte[FILE_BYTES];
                byte[] half = new byte[FILE_BYTES / 2];
                random.nextBytes(half);
                System.arraycopy(half, 0, content, 0, half.length);
                for (int i = half.length; i < content.length; i++) {
                    content[i] = (byte) ('a' + i % 64 / 4);
                }
                tar.file("data%d/file%03d".formatted(layer, file), 0644, content);
            }
            layers.add(tar.build());
        }
        return OciArchive.of(name, DemoImage.architecture(), "\"Entrypoint\":[\"/none\"]", layers);
    }
}

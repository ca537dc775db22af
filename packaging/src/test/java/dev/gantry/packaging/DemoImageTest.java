package dev.gantry.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DemoImageTest {
    private final OciArchive image = DemoImage.create(
            DemoImage.NAME, bytes("\u007fELF"), List.of("sh", "httpd", "busybox"), bytes("#!/bin/sh\n"), "amd64");

    @Test
    void theSameInputGivesTheSameBytes() {
        assertThat(image.tar()).isEqualTo(image.tar());
    }

    @Test
    void tarReadsEveryBlobAndEachHasTheDigestOfItsName(@TempDir Path directory) throws Exception {
        unpack(image.tar(), directory);

        assertThat(directory.resolve("oci-layout")).hasContent("{\"imageLayoutVersion\":\"1.0.0\"}");
        assertThat(directory.resolve("index.json")).content().contains("localhost/gantry-demo:1");
        assertThat(blobs(directory))
                .hasSize(3)
                .allSatisfy(blob -> assertThat(OciArchive.digest(Files.readAllBytes(blob)))
                        .isEqualTo("sha256:" + blob.getFileName()));
    }

    @Test
    void theLayerHasTheProgramsOnThePath(@TempDir Path directory) throws Exception {
        Path layer = Files.createDirectory(directory.resolve("layer"));
        unpack(image.tar(), directory);
        for (Path blob : blobs(directory)) {
            byte[] content = Files.readAllBytes(blob);
            if (content[0] == 0x1f && content[1] == (byte) 0x8b) {
                tar(layer, "-xzf", blob);
            }
        }

        assertThat(layer.resolve("bin/busybox")).isExecutable();
        assertThat(layer.resolve("bin/demo")).isExecutable().hasContent("#!/bin/sh\n");
        assertThat(Files.readSymbolicLink(layer.resolve("bin/httpd"))).isEqualTo(Path.of("busybox"));
        assertThat(layer.resolve("tmp")).isDirectory();
    }

    private static List<Path> blobs(Path directory) throws IOException {
        try (var blobs = Files.list(directory.resolve("blobs/sha256"))) {
            return blobs.toList();
        }
    }

    private static void unpack(byte[] archive, Path directory) throws IOException, InterruptedException {
        tar(directory, "-xf", Files.write(directory.resolve("archive.tar"), archive));
    }

    private static void tar(Path directory, String action, Path archive) throws IOException, InterruptedException {
        Process tar = new ProcessBuilder("tar", "-C", directory.toString(), action, archive.toString())
                .inheritIO()
                .start();
        assertThat(tar.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(tar.exitValue()).isZero();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}

package dev.gantry.bench;

import dev.gantry.packaging.DemoImage;
import dev.gantry.packaging.OciArchive;
import dev.gantry.packaging.TarBuilder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The pause container of containerd's pods: a program of a few hundred bytes, compiled here. */
final class PauseImage {
    static final String NAME = "localhost/bench-pause:1";

    private PauseImage() {}

    static OciArchive create(Path source, Path workDirectory) throws IOException, InterruptedException {
        Path program = workDirectory.resolve("pause");
        Process gcc = new ProcessBuilder(
                        "gcc",
                        "-Os",
                        "-static",
                        "-nostdlib",
                        "-nostartfiles",
                        "-fno-stack-protector",
                        "-s",
                        "-o",
                        program.toString(),
                        source.toString())
                .redirectErrorStream(true)
                .start();
        String output = new String(gcc.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (gcc.waitFor() != 0) {
            throw new IOException("compile " + source + ": " + output.strip());
        }
        byte[] layer = new TarBuilder()
                .file("pause", 0755, Files.readAllBytes(program))
                .build();
        return OciArchive.of(NAME, DemoImage.architecture(), "\"Entrypoint\":[\"/pause\"]", List.of(layer));
    }
}

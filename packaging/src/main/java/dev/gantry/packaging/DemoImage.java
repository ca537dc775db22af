package dev.gantry.packaging;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;

/** The image of the examples, tests and benchmarks: busybox, and a program that serves a page and logs. One layer. */
public final class DemoImage {
    /** What manifests call it. */
    public static final String NAME = "localhost/gantry-demo:1";

    private static final Path BUSYBOX = Path.of("/bin/busybox");

    private DemoImage() {}

    /**
     * Makes the image of this machine's busybox.
     *
     * @param name the full reference, tag included
     * @param program the script that the image starts
     * @throws IOException if there is no busybox, or it does not tell its commands
     */
    public static OciArchive create(String name, byte[] program) throws IOException, InterruptedException {
        if (!Files.isExecutable(BUSYBOX)) {
            throw new IOException("read " + BUSYBOX
                    + " for the demo image: there is none; install the Debian package busybox-static");
        }
        return create(name, Files.readAllBytes(BUSYBOX), applets(), program, architecture());
    }

    static OciArchive create(String name, byte[] busybox, List<String> applets, byte[] program, String architecture) {
        return OciArchive.of(name, architecture, """
                "Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],\
                "Entrypoint":["/bin/demo"],"ExposedPorts":{"8080/tcp":{}},"StopSignal":"SIGTERM\"""", List.of(layer(busybox, applets, program)));
    }

    /** This machine's architecture in Go's words. */
    public static String architecture() {
        String arch = System.getProperty("os.arch");
        return arch.equals("aarch64") ? "arm64" : arch;
    }

    private static byte[] layer(byte[] busybox, List<String> applets, byte[] program) {
        TarBuilder layer = new TarBuilder();
        for (String directory : List.of("bin", "dev", "etc", "proc", "root", "sys", "usr", "usr/bin", "var")) {
            layer.directory(directory, 0755);
        }
        layer.directory("tmp", 01777);
        layer.file(
                "etc/passwd", 0644, ascii("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"));
        layer.file("etc/group", 0644, ascii("root:x:0:\nnogroup:x:65534:\n"));
        layer.file("bin/busybox", 0755, busybox);
        for (String applet : new TreeSet<>(applets)) {
            if (!applet.equals("busybox")) {
                layer.symbolicLink("bin/" + applet, "busybox");
            }
        }
        layer.symbolicLink("usr/bin/env", "../../bin/busybox");
        layer.file("bin/demo", 0755, program);
        return layer.build();
    }

    private static List<String> applets() throws IOException, InterruptedException {
        Process process = new ProcessBuilder(BUSYBOX.toString(), "--list")
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
        if (process.waitFor() != 0) {
            throw new IOException(BUSYBOX + " --list: exit code " + process.exitValue() + ", " + output.strip());
        }
        return output.lines().toList();
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}

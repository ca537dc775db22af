package dev.gantry.e2e.cri;

import dev.gantry.packaging.DemoImage;
import dev.gantry.packaging.OciArchive;
import dev.gantry.packaging.TarBuilder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Images of busybox, made here. */
final class TestImages {
    static final String PAUSE = "localhost/test-pause:1";

    private static final Path BUSYBOX = Path.of("/bin/busybox");
    private static final List<String> COMMANDS = List.of(
            "sh",
            "cat",
            "echo",
            "env",
            "grep",
            "head",
            "hostname",
            "httpd",
            "id",
            "ip",
            "kill",
            "ls",
            "mkdir",
            "mount",
            "nc",
            "ps",
            "pwd",
            "rm",
            "seq",
            "sleep",
            "stat",
            "stty",
            "tail",
            "test",
            "top",
            "touch",
            "true",
            "tty",
            "umount",
            "wc",
            "wget");
    private static final String PATH = "\"Env\":[\"PATH=/usr/bin:/bin\",\"FROM_IMAGE=yes\"]";

    private TestImages() {}

    /**
     * Busybox with the users {@code web} (1000, in its own group 1001 and in {@code logs}, 4000) and {@code www-data}.
     *
     * @param mark makes it an image of its own
     */
    static OciArchive base(String mark) throws IOException {
        return base(mark, "");
    }

    /** As another user by default. */
    static OciArchive base(String mark, String user) throws IOException {
        String config =
                PATH + ",\"Cmd\":[\"sh\"],\"WorkingDir\":\"/\"" + (user.isEmpty() ? "" : ",\"User\":\"" + user + "\"");
        return OciArchive.of("localhost/base:1", DemoImage.architecture(), config, List.of(layer(mark)));
    }

    /** Holds containerd's pods together. */
    static OciArchive pause() throws IOException {
        return OciArchive.of(
                PAUSE,
                DemoImage.architecture(),
                PATH + ",\"Entrypoint\":[\"/bin/sleep\",\"2222222\"]",
                List.of(layer("pause")));
    }

    private static byte[] layer(String mark) throws IOException {
        TarBuilder layer = new TarBuilder();
        for (String directory :
                List.of("bin", "dev", "etc", "proc", "root", "sys", "tmp", "usr", "usr/bin", "var", "www", "mnt")) {
            layer.directory(directory, directory.equals("tmp") ? 01777 : 0755);
        }
        layer.file("bin/busybox", 0755, Files.readAllBytes(BUSYBOX));
        COMMANDS.forEach(command -> layer.symbolicLink("bin/" + command, "busybox"));
        layer.file("etc/passwd", 0644, utf8("""
                root:x:0:0:root:/root:/bin/sh
                www-data:x:33:33:www-data:/var/www:/bin/false
                web:x:1000:1001:web:/:/bin/sh
                """));
        layer.file("etc/group", 0644, utf8("root:x:0:\nwww-data:x:33:\nweb:x:1001:\nlogs:x:4000:web\n"));
        layer.file("www/index.html", 0644, utf8("a page\n"));
        layer.file("mark", 0644, utf8(mark));
        return layer.build();
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}

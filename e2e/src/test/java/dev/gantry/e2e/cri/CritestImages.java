package dev.gantry.e2e.cri;

import dev.gantry.e2e.Command;
import dev.gantry.e2e.Registry;
import dev.gantry.packaging.DemoImage;
import dev.gantry.packaging.OciArchive;
import dev.gantry.packaging.TarBuilder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Stand-ins, of busybox, for the public images that critest pulls by name. */
final class CritestImages {
    /** The registries that critest knows. */
    static final List<String> REGISTRIES = List.of("registry.k8s.io", "k8s.gcr.io", "gcr.io");

    private static final String OWN = "k8s-staging-cri-tools/";
    private static final String PATH = "\"Env\":[\"PATH=/usr/local/bin:/usr/bin:/bin\"],\"WorkingDir\":\"/\"";
    private static final String SHELL = PATH + ",\"Cmd\":[\"sh\"]";

    /** Stays, as nginx does, under its own name. */
    private static final String SERVER = """
            #!/bin/sh
            echo $$ >/var/run/nginx.pid
            echo httpd serves
            httpd -f -p %d -h /www &
            wait
            """;

    /** Commands that some builds of busybox lack. */
    private static final String SHARED_MEMORY = """
            #!/bin/sh
            exec cat /proc/sysvipc/shm
            """;

    private static final String PROCESSES_BY_NAME = """
            #!/bin/sh
            grep -l "^$1$" /proc/[0-9]*/comm | cut -d / -f 3
            """;

    private static final String EFFECTIVE_UID = """
            #include <stdio.h>
            #include <unistd.h>
            int main(void) { printf("Effective uid: %d\\n", (int)geteuid()); return 0; }
            """;

    private final Registry registry;
    private final Path directory;
    private final Path busybox;

    private CritestImages(Registry registry, Path directory, Path busybox) {
        this.registry = registry;
        this.directory = directory;
        this.busybox = busybox;
    }

    /**
     * Uploads all of them.
     *
     * @param directory for what has to be compiled
     * @param busybox goes into the images with the libraries that it needs
     * @return the digest of the one that critest pulls by its digest
     */
    static String push(Registry registry, Path directory, Path busybox) throws IOException, InterruptedException {
        return new CritestImages(registry, directory, busybox).push();
    }

    private String push() throws IOException, InterruptedException {
        registry.push("e2e-test-images/busybox", image(SHELL, layer("busybox")), "1.29-2");
        registry.push("e2e-test-images/nginx", server(80), "1.14-2");
        registry.push("e2e-test-images/nonewprivs", effectiveUid(), "1.3");
        registry.push("e2e-test-images/httpd", server(80), "2.4.39-4");
        registry.push("pause", image(PATH + ",\"Cmd\":[\"sleep\",\"1000000\"]", layer("pause")), "3.9");

        registry.push(OWN + "hostnet-nginx-" + DemoImage.architecture(), server(12003), "latest");
        for (String name : List.of("test-image-1", "test-image-2", "test-image-3", "test-image-latest")) {
            registry.push(OWN + name, image(SHELL, layer(name)), "latest");
        }
        registry.push(OWN + "test-image-tag", image(SHELL, layer("tag-test")), "test");
        registry.push(OWN + "test-image-tag", image(SHELL, layer("tag-all")), "all");
        for (String tag : List.of("1", "2", "3")) {
            registry.push(OWN + "test-image-tags", image(SHELL, layer("tags")), tag);
        }
        user("test-image-user-uid", "1002");
        user("test-image-user-username", "www-data");
        user("test-image-user-uid-group", "1003:1004");
        user("test-image-user-username-group", "www-data:1004");
        user("test-image-predefined-group", "1000");

        OciArchive digested = image(SHELL, layer("digest"));
        registry.push(OWN + "test-image-digest", digested, "latest");
        return OciArchive.digest(digested.manifest());
    }

    private void user(String name, String user) throws IOException, InterruptedException {
        registry.push(OWN + name, image(SHELL + ",\"User\":\"" + user + "\"", layer(name)), "latest");
    }

    private OciArchive server(int port) throws IOException, InterruptedException {
        TarBuilder layer = layer("server");
        layer.file("usr/bin/nginx", 0755, utf8(SERVER.formatted(port)));
        layer.directory("www", 0755);
        layer.file("www/index.html", 0644, utf8("Welcome to nginx!\n"));
        return image(PATH + ",\"Cmd\":[\"nginx\",\"master process\"]", layer);
    }

    private OciArchive effectiveUid() throws IOException, InterruptedException {
        Path program = directory.resolve("effective-uid");
        Command compiler =
                Command.run(Map.of(), EFFECTIVE_UID, "gcc", "-static", "-x", "c", "-o", program.toString(), "-");
        if (compiler.exitCode() != 0) {
            throw new IOException("compile a program for an image: " + compiler.errors());
        }
        TarBuilder layer = layer("nonewprivs");
        layer.file("usr/bin/nnp", 04755, Files.readAllBytes(program));
        return image(PATH + ",\"Entrypoint\":[\"/usr/bin/nnp\"]", layer);
    }

    private static OciArchive image(String config, TarBuilder layer) {
        return OciArchive.of("localhost/critest:1", DemoImage.architecture(), config, List.of(layer.build()));
    }

    private TarBuilder layer(String mark) throws IOException, InterruptedException {
        TarBuilder layer = new TarBuilder();
        for (String directory : List.of(
                "bin", "dev", "etc", "home", "proc", "root", "sys", "tmp", "usr", "usr/bin", "var", "var/run")) {
            layer.directory(directory, directory.equals("tmp") ? 01777 : 0755);
        }
        layer.file("bin/busybox", 0755, Files.readAllBytes(busybox));
        for (Path library : libraries()) {
            layer.file(library.toString().substring(1), 0755, Files.readAllBytes(library));
        }
        for (String command :
                Command.run(busybox.toString(), "--list").output().lines().toList()) {
            if (!command.equals("busybox")) {
                // As the original has them: a symbolic link that is masked would take all others with it.
                layer.hardLink("bin/" + command, "bin/busybox");
            }
        }
        layer.file("usr/bin/ipcs", 0755, utf8(SHARED_MEMORY));
        layer.file("usr/bin/pgrep", 0755, utf8(PROCESSES_BY_NAME));
        layer.file("etc/passwd", 0644, utf8("""
                root:x:0:0:root:/root:/bin/sh
                daemon:x:1:1:daemon:/usr/sbin:/bin/false
                www-data:x:33:33:www-data:/var/www:/bin/false
                default-user:x:1000:1000:Linux User,,,:/home/default-user:/bin/sh
                nobody:x:65534:65534:nobody:/home:/bin/false
                """));
        layer.file("etc/group", 0644, utf8("""
                root:x:0:
                daemon:x:1:
                www-data:x:33:
                default-user:x:1000:
                group-defined-in-image:x:50000:default-user
                nobody:x:65534:
                """));
        layer.file("mark", 0644, utf8(mark));
        return layer;
    }

    /** Of a program that is not static. */
    private List<Path> libraries() throws IOException, InterruptedException {
        return Command.run("ldd", busybox.toString())
                .output()
                .lines()
                .flatMap(line -> Arrays.stream(line.strip().split(" ", -1)))
                .filter(word -> word.startsWith("/"))
                .map(Path::of)
                .toList();
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}

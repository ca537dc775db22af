package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gantry.staticpods.ManifestSnapshot;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each kind of volume, read back from inside a container. */
@RequiresRoot
@RequiresTool({"busybox", "ip", "nft"})
class VolumesIT {
    @TempDir
    Path directory;

    private RealNode node;

    RealNode node() {
        return node;
    }

    TestRuntime.Factory runtimes() {
        return TestRuntime::gantry;
    }

    @BeforeEach
    void open() throws Exception {
        node = new RealNode(directory, runtimes(), NodePolicy.of("node-1"), PodDns.NONE);
    }

    @AfterEach
    void close() throws Exception {
        node.close();
        assertThat(Files.readAllLines(Path.of("/proc/self/mountinfo")))
                .as("mounts that are left")
                .noneMatch(line -> line.contains(node.pods().toString()));
    }

    private void objects(String documents) {
        node.engine()
                .applyManifests(
                        new ManifestSnapshot(List.of(), ContainerEnvironmentTest.objects(documents), List.of()));
    }

    private static final String OBJECTS = """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: app}
            data: {app.conf: "port=1", extra: more}
            binaryData: {raw: AAEC}
            ---
            apiVersion: v1
            kind: Secret
            metadata: {name: key}
            stringData: {token: s3cret}
            """;

    @Test
    void contentIsShownWithItsModesAndNoDiskHoldsASecret() throws Exception {
        objects(OBJECTS);
        Pod pod = start("""
                volumes:
                - name: config
                  configMap: {name: app, defaultMode: 0440}
                - name: some
                  configMap: {name: app, defaultUser: 7, items: [{key: app.conf, path: deep/er/app.conf, mode: 0400}]}
                - name: secret
                  secret: {secretName: key}
                - name: none
                  configMap: {name: none, optional: true}
                - name: down
                  downwardAPI:
                    items:
                    - {path: labels, fieldRef: {fieldPath: metadata.labels}}
                    - {path: cpu, resourceFieldRef: {containerName: main, resource: limits.cpu, divisor: 1m}}
                - name: all
                  projected:
                    sources:
                    - configMap: {name: app, items: [{key: extra, path: extra, user: 9}]}
                    - secret: {name: key, items: [{key: token, path: key/token, mode: 0400}]}
                    - downwardAPI: {items: [{path: name, fieldRef: {fieldPath: metadata.name}}]}
                containers:
                - name: main
                  image: %s
                  command: [sleep, "1000"]
                  resources: {limits: {cpu: 250m}}
                  volumeMounts:
                  - {name: config, mountPath: /config}
                  - {name: some, mountPath: /some}
                  - {name: secret, mountPath: /secret}
                  - {name: none, mountPath: /none}
                  - {name: down, mountPath: /down}
                  - {name: all, mountPath: /all}
                """);

        assertThat(shell(pod, "cd /config; ls; cat app.conf; stat -L -c %a app.conf; wc -c < raw"))
                .isEqualTo("app.conf\nextra\nraw\nport=1440\n3\n");
        assertThat(shell(pod, "stat -L -c '%a %u' /some/deep/er/app.conf; ls /some"))
                .isEqualTo("400 7\ndeep\n");
        assertThat(shell(pod, "cat /secret/token; stat -f -c %T /secret /all /down"))
                .isEqualTo("s3crettmpfs\ntmpfs\ntmpfs\n");
        assertThat(shell(pod, "ls /none; cat /down/cpu")).isEqualTo("250");
        assertThat(shell(
                        pod, "cat /all/extra /all/name; cat /all/key/token; stat -L -c %a%u /all/key/token /all/extra"))
                .isEqualTo("moreweb" + "s3cret4000\n6449\n");
        assertThat(shell(pod, "echo x > /config/new || echo x > /secret/new"))
                .contains("Read-only file system")
                .doesNotContain("I/O");
        assertThat(onDisk("s3cret")).isEmpty();
    }

    /** Files below the node's directory, without what is mounted there, that hold a text. */
    private List<Path> onDisk(String text) throws Exception {
        Process grep = new ProcessBuilder(
                        "find", node.pods().toString(), "-xdev", "-type", "f", "-exec", "grep", "-l", text, "{}", "+")
                .redirectErrorStream(true)
                .start();
        return new String(grep.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                .lines()
                .map(Path::of)
                .toList();
    }

    @Test
    void anEditReachesTheFilesInOneStep() throws Exception {
        objects(OBJECTS);
        Pod pod = start("""
                volumes:
                - {name: config, configMap: {name: app}}
                - {name: late, secret: {secretName: late, optional: true}}
                containers:
                - name: main
                  image: %s
                  command: [sleep, "1000"]
                  volumeMounts:
                  - {name: config, mountPath: /config}
                  - {name: late, mountPath: /late}
                """);
        String before = shell(pod, "readlink /config/..data");

        objects(OBJECTS.replace("port=1", "port=2").replace(", extra: more", "")
                + "---\n{apiVersion: v1, kind: Secret, metadata: {name: late}, stringData: {a: b}}\n");

        String wait =
                "i=0; until grep -q port=2 /config/app.conf && ! test -L /config/extra && test -e /late/a; do i=$((i+1)); test $i -gt 50 && exit 1;"
                        + " usleep 20000; done; ls /config; cat /late/a";
        assertThat(shell(pod, wait)).isEqualTo("app.conf\nraw\nb");
        assertThat(shell(pod, "readlink /config/..data")).isNotEqualTo(before);

        // What is gone stays shown as it was, and is reported.
        objects("{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"other\"}}");
        node.awaitEvent("FailedMount: MountVolume.SetUp failed for volume \"config\" : configmap \"app\" not found");
        assertThat(shell(pod, "cat /config/app.conf")).isEqualTo("port=2");
    }

    @Test
    void labelsAreShownAsTheyAreEdited() throws Exception {
        Pod pod = start("""
                volumes:
                - name: down
                  downwardAPI:
                    items:
                    - {path: labels, fieldRef: {fieldPath: metadata.labels}}
                    - {path: tier, mode: 0400, fieldRef: {fieldPath: "metadata.labels['example.com/tier']"}}
                containers:
                - {name: main, image: %s, command: [sleep, "1000"], volumeMounts: [{name: down, mountPath: /down}]}
                """);
        assertThat(shell(pod, "cat /down/labels /down/tier")).isEmpty();

        node.engine()
                .update(new PodBuilder(pod)
                        .editMetadata()
                        .addToLabels("example.com/tier", "gold")
                        .endMetadata()
                        .build());

        String wait = "i=0; until grep -q gold /down/tier; do i=$((i+1)); test $i -gt 50 && exit 1; usleep 20000; done;"
                + " cat /down/labels; stat -L -c ' %a' /down/tier";
        assertThat(shell(pod, wait)).isEqualTo("example.com/tier=\"gold\" 400\n");
        assertThat(RealNode.status(node.engine().pods().get(0), "main").getRestartCount())
                .isZero();
    }

    @Test
    void aPodWaitsForItsConfigMapAndStartsAsSoonAsItIsThere() throws Exception {
        node.create("""
                volumes: [{name: config, configMap: {name: app}}]
                containers:
                - {name: plain, image: %1$s, command: [sleep, "1000"]}
                - {name: main, image: %1$s, command: [sleep, "1000"], volumeMounts: [{name: config, mountPath: /c}]}
                """.formatted(RealNode.IMAGE));
        node.awaitRunning("plain");
        node.awaitEvent("FailedMount: MountVolume.SetUp failed for volume \"config\" : configmap \"app\" not found"
                + " in namespace \"default\"; put a document of it beside the manifests, or mark it optional");
        Pod waiting = node.await(pod -> RealNode.status(pod, "main").getState().getWaiting() != null
                && RealNode.status(pod, "main").getState().getWaiting().getMessage() != null);
        assertThat(RealNode.status(waiting, "main").getState().getWaiting().getReason())
                .isEqualTo("ContainerCreating");

        objects(OBJECTS);

        assertThat(shell(node.awaitRunning("main"), "cat /c/app.conf")).isEqualTo("port=1");
    }

    @Test
    @RequiresTool("mkfs.ext4")
    void emptyDirsAreBoundedByTheKernel() throws Exception {
        assumeTrue(Files.exists(Path.of("/dev/loop-control")), "no loop devices here");
        Pod pod = start("""
                volumes:
                - {name: plain, emptyDir: {mode: 01750}}
                - {name: memory, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
                - {name: disk, emptyDir: {sizeLimit: 2Mi}}
                containers:
                - name: main
                  image: %s
                  command: [sleep, "1000"]
                  volumeMounts:
                  - {name: plain, mountPath: /plain}
                  - {name: memory, mountPath: /memory}
                  - {name: disk, mountPath: /disk}
                """);

        assertThat(shell(pod, "stat -c %a /plain /memory /disk; ls -A /disk")).isEqualTo("1750\n777\n777\n");
        assertThat(shell(pod, "dd if=/dev/zero of=/memory/a bs=64k count=15 2>&1 | grep -c 'No space'"))
                .isEqualTo("0\n");
        assertThat(shell(pod, "dd if=/dev/zero of=/memory/b bs=64k count=15 2>&1"))
                .contains("No space left on device");
        assertThat(shell(pod, "dd if=/dev/zero of=/disk/a bs=64k count=31 2>&1 | grep -c 'No space'"))
                .isEqualTo("0\n");
        assertThat(shell(pod, "dd if=/dev/zero of=/disk/b bs=64k count=5 2>&1")).contains("No space left on device");
        assertThat(shell(pod, "dd if=/dev/zero of=/plain/a bs=64k count=80 2>&1"))
                .doesNotContain("No space");
    }

    @Test
    void mountsHaveTheOptionsThatAreAskedFor() throws Exception {
        assertThat(ranThroughAMountWithoutExec()).isEqualTo("sh: /strict/run: Permission denied\nran\n");
    }

    /** What a program of a volume says that is run by a mount with {@code noexec}, then by one without. */
    final String ranThroughAMountWithoutExec() throws Exception {
        Pod pod = start("""
                volumes: [{name: data, emptyDir: {}}]
                containers:
                - name: main
                  image: %s
                  command: [sleep, "1000"]
                  volumeMounts:
                  - {name: data, mountPath: /strict, bindMountOptions: [noexec, nosuid]}
                  - {name: data, mountPath: /data}
                """);
        return shell(pod, "echo 'echo ran' > /data/run; chmod +x /data/run; (/strict/run; /data/run) 2>&1")
                .replace("/bin/sh: ", "sh: ");
    }

    @Test
    void subPathsStayInTheirVolume() throws Exception {
        Path host = Files.createDirectories(directory.resolve("host"));
        Files.writeString(Files.createDirectories(host.resolve("sub")).resolve("file"), "inside");
        Files.createSymbolicLink(host.resolve("link"), Path.of("sub"));
        Files.createSymbolicLink(host.resolve("out"), Path.of("/etc"));
        objects(OBJECTS);
        Pod pod = start("""
                volumes:
                - {name: data, hostPath: {path: %s}}
                - {name: config, configMap: {name: app}}
                containers:
                - name: main
                  image: %%1$s
                  command: [sleep, "1000"]
                  env: [{name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
                  volumeMounts:
                  - {name: data, mountPath: /sub, subPath: sub}
                  - {name: data, mountPath: /file, subPath: link/file, readOnly: true}
                  - {name: data, mountPath: /made, subPathExpr: made/$(POD)}
                  - {name: config, mountPath: /etc/app.conf, subPath: app.conf}
                - name: escapes
                  image: %%1$s
                  command: [sleep, "1000"]
                  volumeMounts: [{name: data, mountPath: /out, subPath: out/passwd}]
                - name: unknown
                  image: %%1$s
                  command: [sleep, "1000"]
                  volumeMounts: [{name: data, mountPath: /out, subPathExpr: $(NONE)}]
                """.formatted(host));

        assertThat(shell(pod, "cat /sub/file /file /etc/app.conf")).isEqualTo("insideinsideport=1");
        assertThat(shell(pod, "echo x > /file")).contains("Read-only");
        assertThat(shell(pod, "echo new > /made/file")).isEmpty();
        assertThat(host.resolve("made/web/file")).hasContent("new\n");
        node.awaitEvent(
                "Failed: Error: failed to prepare subPath for volumeMount \"data\" of container \"escapes\": subPath"
                        + " 'out/passwd' leads out of its volume by a link");
        node.awaitEvent("Failed: Error: missing value for \"NONE\" in subPathExpr of volumeMount \"data\"");
        assertThat(RealNode.status(node.engine().pods().get(0), "escapes")
                        .getState()
                        .getWaiting()
                        .getReason())
                .isEqualTo("CreateContainerConfigError");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "Directory, is not a directory: it does not exist",
        "File, is not a file: it does not exist",
        "Socket, is not a socket file: it does not exist",
        "CharDevice, is not a character device: it does not exist",
        "BlockDevice, is not a block device: it does not exist",
    })
    void aHostPathOfAnotherTypeIsRefused(String type, String message) throws Exception {
        Path missing = directory.resolve("missing");
        node.create("""
                volumes: [{name: data, hostPath: {path: %s, type: %s}}]
                containers:
                - {name: main, image: %s, command: [sleep, "1000"], volumeMounts: [{name: data, mountPath: /data}]}
                """.formatted(missing, type, RealNode.IMAGE));

        node.awaitEvent("FailedMount: MountVolume.SetUp failed for volume \"data\" : hostPath type check failed: "
                + missing + " " + message);
    }

    @Test
    void aHostPathOfEachTypeIsMountedAndWhatIsToBeMadeIsMade() throws Exception {
        Path host = Files.createDirectories(directory.resolve("host"));
        Files.writeString(host.resolve("file"), "text");
        make("mknod", host.resolve("char").toString(), "c", "1", "3");
        make("mknod", host.resolve("block").toString(), "b", "7", "0");
        Pod pod;
        try (ServerSocketChannel socket = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            socket.bind(UnixDomainSocketAddress.of(host.resolve("socket")));
            pod = start("""
                    volumes:
                    - {name: any, hostPath: {path: %1$s/any/new}}
                    - {name: directory, hostPath: {path: %1$s, type: Directory}}
                    - {name: made, hostPath: {path: %1$s/made/below, type: DirectoryOrCreate}}
                    - {name: file, hostPath: {path: %1$s/file, type: File}}
                    - {name: new, hostPath: {path: %1$s/new, type: FileOrCreate}}
                    - {name: socket, hostPath: {path: %1$s/socket, type: Socket}}
                    - {name: char, hostPath: {path: %1$s/char, type: CharDevice}}
                    - {name: block, hostPath: {path: %1$s/block, type: BlockDevice}}
                    containers:
                    - name: main
                      image: %%s
                      command: [sleep, "1000"]
                      volumeMounts:
                      - {name: any, mountPath: /v/any}
                      - {name: directory, mountPath: /v/directory}
                      - {name: made, mountPath: /v/made}
                      - {name: file, mountPath: /v/file}
                      - {name: new, mountPath: /v/new}
                      - {name: socket, mountPath: /v/socket}
                      - {name: char, mountPath: /v/char}
                      - {name: block, mountPath: /v/block}
                    """.formatted(host));
        }

        assertThat(shell(
                        pod,
                        "cd /v; stat -c '%n %F %a' any made new; stat -c '%n %F' directory file socket char block"))
                .isEqualTo("""
                        any directory 755
                        made directory 755
                        new regular empty file 644
                        directory directory
                        file regular file
                        socket socket
                        char character special file
                        block block special file
                        """);
        assertThat(shell(pod, "echo x >> /v/file; echo y > /v/new; ls /v/directory"))
                .contains("made", "socket");
        assertThat(host.resolve("file")).hasContent("textx\n");
        assertThat(host.resolve("new")).hasContent("y\n");
    }

    private static void make(String... command) throws Exception {
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor())
                .as("%s", List.of(command))
                .isZero();
    }

    @Test
    void fsGroupOwnsWhatThePodWrites() throws Exception {
        objects(OBJECTS);
        Pod pod = start("""
                securityContext: {fsGroup: 4321, runAsUser: 1000}
                volumes:
                - {name: plain, emptyDir: {}}
                - {name: memory, emptyDir: {medium: Memory}}
                - {name: secret, secret: {secretName: key, defaultMode: 0400}}
                containers:
                - name: main
                  image: %s
                  command: [sleep, "1000"]
                  volumeMounts:
                  - {name: plain, mountPath: /plain}
                  - {name: memory, mountPath: /memory}
                  - {name: secret, mountPath: /secret}
                """);

        assertThat(shell(
                        pod, "touch /plain/a /memory/a; stat -c '%a %g' /plain /memory; stat -c %g /plain/a /memory/a"))
                .isEqualTo("2777 4321\n2777 4321\n4321\n4321\n");
        assertThat(shell(pod, "stat -L -c '%a %g' /secret/token; cat /secret/token"))
                .isEqualTo("440 4321\ns3cret");
    }

    @Test
    void aClaimKeepsItsVolumeAndTheFsGroupGetsIt() throws Exception {
        Path disk = Files.createDirectories(directory.resolve("disk"));
        Path file =
                Files.writeString(Files.createDirectories(disk.resolve("sub")).resolve("file"), "kept");
        Files.setAttribute(file, "unix:mode", 0600);
        Path outside = Files.writeString(directory.resolve("outside"), "");
        Files.setAttribute(outside, "unix:mode", 0600);
        Files.createSymbolicLink(disk.resolve("link"), outside);
        String documents = """
                apiVersion: v1
                kind: PersistentVolume
                metadata: {name: disk}
                spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], local: {path: %s}}
                ---
                apiVersion: v1
                kind: PersistentVolumeClaim
                metadata: {name: data}
                spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
                """.formatted(disk);
        String spec = """
                securityContext: {fsGroup: 4321, runAsUser: 1000}
                volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
                containers:
                - {name: main, image: %s, command: [sleep, "1000"], volumeMounts: [{name: data, mountPath: /data}]}
                """;
        node.create(spec.formatted(RealNode.IMAGE));
        node.awaitEvent("FailedMount: MountVolume.SetUp failed for volume \"data\" : persistentvolumeclaim \"data\" not"
                + " found in namespace \"default\"; put a document of it beside the manifests");

        objects(documents);
        Pod pod = node.awaitRunning("main");

        assertThat(shell(pod, "cat /data/sub/file; stat -c '%a %g' /data /data/sub /data/sub/file; touch /data/new"))
                .isEqualTo("kept2775 4321\n2775 4321\n660 4321\n");
        assertThat(Files.getAttribute(outside, "unix:gid")).isEqualTo(0);
        assertThat((int) Files.getAttribute(outside, "unix:mode") & 0777).isEqualTo(0600);
        assertThat(directory.resolve("claims/default_data")).hasContent("disk");
        node.delete();
        assertThat(disk.resolve("new")).exists();

        Files.setAttribute(file, "unix:mode", 0600);
        Pod next = start(spec.replace("fsGroup:", "fsGroupChangePolicy: OnRootMismatch, fsGroup:"));
        assertThat(shell(next, "stat -c '%a %g' /data /data/sub/file"))
                .as("a root that is right keeps the walk away")
                .isEqualTo("2775 4321\n600 4321\n");
    }

    @Test
    void anEnvironmentComesFromAFileThatAnInitContainerWrote() throws Exception {
        Pod pod = start("""
                volumes: [{name: data, emptyDir: {}}]
                initContainers:
                - name: writes
                  image: %1$s
                  command: [sh, -c, 'echo "A=''written here''" > /data/env; ln -s /etc/passwd /data/link']
                  volumeMounts: [{name: data, mountPath: /data}]
                containers:
                - name: main
                  image: %1$s
                  command: [sleep, "1000"]
                  env:
                  - {name: A, valueFrom: {fileKeyRef: {volumeName: data, path: env, key: A}}}
                  - {name: B, value: "<$(A)>"}
                - name: escapes
                  image: %1$s
                  command: [sleep, "1000"]
                  env: [{name: A, valueFrom: {fileKeyRef: {volumeName: data, path: link, key: A}}}]
                """);

        assertThat(shell(pod, "cat /proc/1/environ | tr '\\0' '\\n' | grep '^[AB]='"))
                .isEqualTo("A=written here\nB=<written here>\n");
        node.awaitEvent("Failed: Error: env \"A\": openat2");
    }

    @Test
    void anImageIsAVolume() throws Exception {
        assertThat(usersOfAnImageThatIsAVolume())
                .startsWith("root:x:0:0:root:/root:/bin/sh\n")
                .contains("Read-only file system");
    }

    /** The first line of a file of the image that is mounted alone, and the failure to write into its root. */
    final String usersOfAnImageThatIsAVolume() throws Exception {
        return usersOfAnImageThatIsAVolume("etc/passwd", "/users");
    }

    /**
     * The same.
     *
     * @param subPath of the image, mounted at {@code /users}
     * @param file of the users, below that
     */
    final String usersOfAnImageThatIsAVolume(String subPath, String file) throws Exception {
        Pod pod = start("""
                volumes: [{name: tools, image: {reference: %1$s, pullPolicy: IfNotPresent}}]
                containers:
                - name: main
                  image: %1$s
                  command: [sleep, "1000"]
                  volumeMounts:
                  - {name: tools, mountPath: /tools}
                  - {name: tools, mountPath: /users, subPath: %2$s}
                """.formatted(RealNode.IMAGE, subPath));

        return shell(pod, "/tools/bin/busybox head -n 1 " + file + "; touch /tools/x");
    }

    private Pod start(String spec) throws Exception {
        node.create(spec.formatted(RealNode.IMAGE));
        return node.awaitRunning("main");
    }

    private String shell(Pod pod, String script) {
        return node.shell(pod, "main", script);
    }
}

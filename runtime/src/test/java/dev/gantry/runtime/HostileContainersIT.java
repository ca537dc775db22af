package dev.gantry.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.ImageSpec;
import dev.gantry.cri.v1.Mount;
import dev.gantry.cri.v1.NamespaceMode;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.testing.OciImages;
import dev.gantry.testing.RequiresRoot;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Images and containers that try what has worked elsewhere. Each test names the attack's record. */
@RequiresRoot
class HostileContainersIT {
    private static final int ROUNDS = 40;

    @TempDir
    Path directory;

    private RuntimeFixture fixture;
    private PodSandboxConfig pod;
    private String sandbox;
    private Path bait;

    @BeforeEach
    void open() throws Exception {
        fixture = new RuntimeFixture(directory);
        pod = fixture.pod("victim");
        sandbox = fixture.run(pod);
        bait = Files.createDirectories(directory.resolve("bait"));
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    private String image(String name, UnaryOperator<OciImages.Image> content) throws Exception {
        String reference = "example.test/" + name + ":1";
        Path archive = directory.resolve("archives").resolve(name + ".tar");
        content.apply(OciImages.image(reference).busybox().cmd("sh")).writeArchive(archive);
        fixture.runtime().images().load(archive);
        return reference;
    }

    private ContainerConfig.Builder of(String image, String name, String... command) {
        return RuntimeFixture.container(pod, name, List.of(command))
                .setImage(ImageSpec.newBuilder().setImage(image));
    }

    private List<String> baitTaken() throws IOException {
        try (Stream<Path> files = Files.walk(bait)) {
            return files.filter(file -> !file.equals(bait)).map(Path::toString).toList();
        }
    }

    /** CVE-2026-41579, CVE-2026-47766, CVE-2024-5154: what the runtime makes inside must not land outside. */
    @ParameterizedTest
    @ValueSource(strings = {"/dev", "/proc", "/sys", "/etc", "/dev/pts", "/dev/shm", "/sys/fs"})
    void aDirectoryOfTheImageThatLeadsElsewhereIsNotFollowedOut(String path) throws Exception {
        String image = image("links", content -> {
            String parent = path.substring(0, path.lastIndexOf('/'));
            return (parent.isEmpty() ? content : content.directory(parent, 0755)).symlink(path, bait.toString());
        });

        try {
            fixture.startNew(sandbox, pod, of(image, "c", "sleep", "1000").build());
        } catch (StatusRuntimeException e) {
            assertThat(e).hasMessageContaining("step ");
        }
        assertThat(baitTaken()).isEmpty();
    }

    /** CVE-2021-30465, CVE-2024-45310: a mount's target through a link of the image. */
    @Test
    void mountTargetsAreResolvedInsideTheRoot() throws Exception {
        Path data = Files.createDirectories(directory.resolve("data"));
        Files.writeString(data.resolve("file"), "content");
        String image = image("targets", content -> {
            // The link leads to a directory that the image has as well as the host.
            for (int i = 1; i <= bait.getNameCount(); i++) {
                content.directory("/" + bait.subpath(0, i), 0755);
            }
            return content.symlink("/data", bait.toString()).symlink("/up", "../../../..");
        });

        String id = fixture.startNew(
                sandbox,
                pod,
                of(image, "c", "sleep", "1000")
                        .addMounts(
                                Mount.newBuilder().setContainerPath("/data/sub").setHostPath(data.toString()))
                        .addMounts(Mount.newBuilder()
                                .setContainerPath("/up" + bait + "/two")
                                .setHostPath(data.toString()))
                        .build());

        assertThat(fixture.shell(id, "cat /data/sub/file")).isEqualTo("content");
        assertThat(baitTaken()).isEmpty();
    }

    /** The same while a neighbour exchanges directory and link all the time. */
    @Test
    void aLinkThatComesAndGoesLeadsNowhere() throws Exception {
        Path shared = Files.createDirectories(directory.resolve("shared"));
        Path data = Files.createDirectories(directory.resolve("data"));
        Mount.Builder volume = Mount.newBuilder().setContainerPath("/shared").setHostPath(shared.toString());
        String attacker = fixture.startNew(
                sandbox,
                pod,
                RuntimeFixture.container(
                                pod,
                                "attacker",
                                List.of(
                                        "sh",
                                        "-c",
                                        "cd /shared; while :; do mkdir t 2>/dev/null; mv t u 2>/dev/null; ln -s " + bait
                                                + " t 2>/dev/null; rm -f t; rm -rf u 2>/dev/null; done"))
                        .addMounts(volume)
                        .build());

        int started = 0;
        for (int i = 0; i < ROUNDS; i++) {
            ContainerConfig config = RuntimeFixture.container(pod, "c" + i, List.of("true"))
                    .addMounts(volume)
                    .addMounts(Mount.newBuilder()
                            .setContainerPath("/shared/t/deep/target")
                            .setHostPath(data.toString()))
                    .build();
            try {
                fixture.startNew(sandbox, pod, config);
                started++;
            } catch (StatusRuntimeException e) {
                assertThat(e).hasMessageContaining("step ");
            }
        }

        assertThat(started).isPositive();
        assertThat(baitTaken()).isEmpty();
        assertThat(fixture.exec(attacker, "true").getExitCode()).isZero();
    }

    /** CVE-2019-5736: the runtime's own executable, by whichever of its processes shows up inside. */
    @Test
    void nothingExecutableOfOursCanBeWrittenTo() throws Exception {
        PodSandboxConfig shared = fixture.pod("shared", builder -> {
            builder.getLinuxBuilder()
                    .getSecurityContextBuilder()
                    .getNamespaceOptionsBuilder()
                    .setPid(NamespaceMode.POD);
            return builder;
        });
        String other = fixture.run(shared);
        String attacker = fixture.startNew(
                other,
                shared,
                RuntimeFixture.container(
                        shared,
                        "attacker",
                        "sh",
                        "-c",
                        "while :; do for p in /proc/[0-9]*; do"
                                + " case $(readlink $p/exe) in *pause*) (echo x > $p/exe) 2>/dev/null && echo WRITTEN;;"
                                + " esac; done; done"));

        for (int i = 0; i < ROUNDS; i++) {
            assertThat(fixture.exec(attacker, "true").getExitCode()).isZero();
        }
        assertThat(fixture.shell(
                        attacker, "echo x > /proc/1/exe; cat /proc/1/environ; ls /proc/1/fd; ls /proc/1/root/"))
                .contains("denied")
                .doesNotContain("PATH=");
        fixture.stop(attacker, 0);
        assertThat(fixture.log(shared, "attacker")).doesNotContain("WRITTEN");
        assertThat(fixture.startNew(other, shared, RuntimeFixture.container(shared, "next", "sleep", "1000")))
                .isNotEmpty();
    }

    /** The same with an image whose entrypoint asks to be run by whatever runs it. */
    @Test
    void anInterpreterThatIsTheRuntimeDoesNothing() throws Exception {
        String image = image("interpreter", content -> content.script("/run-me", "#!/proc/self/exe\n"));

        String id = fixture.startNew(sandbox, pod, of(image, "c", "/run-me").build());

        // It runs a sealed copy of a program that has nothing to say to it.
        assertThat(fixture.awaitExit(id).getExitCode()).isNotZero();
        assertThat(fixture.startNew(sandbox, pod, RuntimeFixture.container(pod, "next", "sleep", "1000")))
                .isNotEmpty();
    }

    /** CVE-2024-21626: descriptors that a process could climb out by. */
    @Test
    void anExecInheritsNothingAndDoesNotStartOutside() {
        String id = fixture.startNew(sandbox, pod, RuntimeFixture.container(pod, "c", "sleep", "1000"));

        assertThat(fixture.shell(id, "ls /proc/$$/fd | tr '\\n' ' '")).isEqualTo("0 1 2 ");
        for (int fd = 3; fd < 40; fd++) {
            int number = fd;
            assertThatExceptionOfType(StatusRuntimeException.class)
                    .isThrownBy(() -> fixture.startNew(
                            sandbox,
                            pod,
                            RuntimeFixture.container(pod, "cwd" + number, List.of("pwd"))
                                    .setWorkingDir("/proc/self/fd/" + number)
                                    .build()));
        }
        assertThat(fixture.shell(id, "grep CapInh /proc/self/status")).isEqualTo("CapInh:\t0000000000000000\n");
    }

    /** CVE-2025-31133: a /dev/null that is something else. */
    @Test
    void masksAreMadeOfTheHostsNull() throws Exception {
        Path devices = Files.createDirectories(directory.resolve("dev"));
        Files.createSymbolicLink(devices.resolve("null"), Path.of("/proc/sys/kernel/core_pattern"));
        ContainerConfig.Builder config = RuntimeFixture.container(pod, "c", List.of("sleep", "1000"))
                .addMounts(Mount.newBuilder().setContainerPath("/dev").setHostPath(devices.toString()));
        config.getLinuxBuilder()
                .getSecurityContextBuilder()
                .addMaskedPaths("/proc/timer_list")
                .addReadonlyPaths("/proc/sys");
        String id = fixture.startNew(sandbox, pod, config.build());

        assertThat(fixture.shell(id, "stat -c '%t:%T' /proc/timer_list; echo x > /proc/sys/kernel/core_pattern"))
                .startsWith("1:3\n")
                .contains("Read-only file system");
    }

    /** CVE-2019-16884, CVE-2025-52881: a procfs that is not the kernel's. */
    @ParameterizedTest
    @ValueSource(strings = {"/proc", "/proc/self/attr", "/proc/sys", "/x/../proc"})
    void nothingIsMountedOverProc(String target) {
        assertThatExceptionOfType(StatusRuntimeException.class)
                .isThrownBy(() -> fixture.create(
                        sandbox,
                        pod,
                        RuntimeFixture.container(pod, "c", List.of("true"))
                                .addMounts(Mount.newBuilder()
                                        .setContainerPath(target)
                                        .setHostPath(bait.toString()))
                                .build()))
                .withMessageContaining("nothing may be mounted over /proc");
    }

    /** CVE-2020-15257, CVE-2021-41103: sockets and state that others can reach. */
    @Test
    void stateIsPrivateAndNoSocketIsAbstract() throws Exception {
        Path run = fixture.config().run().resolve("sandboxes");

        assertThat(Files.getPosixFilePermissions(run, LinkOption.NOFOLLOW_LINKS))
                .isEqualTo(Set.of(
                        PosixFilePermission.OWNER_READ,
                        PosixFilePermission.OWNER_WRITE,
                        PosixFilePermission.OWNER_EXECUTE));
        try (Stream<String> sockets = Files.lines(Path.of("/proc/self/net/unix"))) {
            assertThat(sockets.filter(line -> line.contains("@") && line.contains("gantry")))
                    .isEmpty();
        }
    }

    /** CVE-2026-53488: words of an image that mean something to somebody else. */
    @Test
    void labelsOfTheImageStayTheImages() throws Exception {
        String image = image(
                "labels",
                content -> content.label("io.kubernetes.pod.uid", "other")
                        .label("gantry.dev/restart-backoff-millis", "1"));
        String id = fixture.create(sandbox, pod, of(image, "c", "true").build());

        assertThat(fixture.status(id).getLabelsMap()).isEmpty();
        assertThat(fixture.status(id).getAnnotationsMap()).isEmpty();
    }

    /** CVE-2025-47291: a limit that a process was born outside of. */
    @Test
    void everyProcessIsInItsCgroup() {
        String id = fixture.startNew(
                sandbox, pod, RuntimeFixture.container(pod, "c", "sh", "-c", "sleep 1001 & exec sleep 1002"));

        String all = fixture.shell(id, "for p in /proc/[0-9]*; do sed -n 's/^0:://p' $p/cgroup; done | sort | uniq -c");

        // Its own is the root of what it sees; an exec has one below.
        assertThat(all.lines().map(String::strip)).allMatch(line -> line.matches("[0-9]+ /(exec-[^/]+)?"));
    }
}

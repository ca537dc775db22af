package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.Linux;
import dev.gantry.linux.MountFlags;
import dev.gantry.staticpods.ManifestSnapshot;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;
import io.fabric8.kubernetes.api.model.Pod;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What volumes do to the mounts of others, to other pods, and over time. */
@RequiresRoot
@RequiresTool({"busybox", "ip", "nft"})
class VolumeLifeIT {
    @TempDir
    Path directory;

    private RealNode node;

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

    @Test
    void volumesOutliveTheirContainers() throws Exception {
        node.engine().create(EngineFixture.pod("""
                apiVersion: v1
                kind: Pod
                metadata: {name: web}
                spec:
                  terminationGracePeriodSeconds: 0
                  volumes:
                  - {name: disk, emptyDir: {sizeLimit: 1Mi}}
                  - {name: memory, emptyDir: {medium: Memory}}
                  containers:
                  - name: main
                    image: %s
                    command: [sh, -c, "echo run | tee -a /disk/log /sub/log; test $(wc -l < /sub/log) -ge 2 && sleep 1000"]
                    volumeMounts:
                    - {name: disk, mountPath: /disk}
                    - {name: memory, mountPath: /sub, subPath: deep/sub}
                    - {name: memory, mountPath: /memory}
                """.formatted(RealNode.IMAGE)));

        Pod pod = node.await(one -> RealNode.status(one, "main").getRestartCount() != null
                && RealNode.status(one, "main").getRestartCount() == 1
                && RealNode.status(one, "main").getState().getRunning() != null);

        // Running is a process from its first instruction on.
        assertThat(shell(
                        pod,
                        "until test $(cat /disk/log /memory/deep/sub/log | wc -l) -ge 4; do :; done;"
                                + " cat /disk/log /memory/deep/sub/log"))
                .isEqualTo("run\nrun\nrun\nrun\n");
    }

    @Test
    void aPodWithUsersOfItsOwnOwnsItsVolumes() throws Exception {
        node.engine()
                .applyManifests(new ManifestSnapshot(
                        List.of(),
                        ContainerEnvironmentTest.objects("# yaml\n{apiVersion: v1, kind: Secret, metadata: {name: key},"
                                + " stringData: {token: s3cret}}"),
                        List.of()));
        Pod pod = start("""
                hostUsers: false
                volumes:
                - {name: secret, secret: {secretName: key, defaultMode: 0400}}
                - {name: disk, emptyDir: {sizeLimit: 1Mi}}
                - {name: memory, emptyDir: {medium: Memory}}
                containers:
                - name: main
                  image: %s
                  command: [sleep, "1000"]
                  volumeMounts:
                  - {name: secret, mountPath: /secret}
                  - {name: secret, mountPath: /one, subPath: token}
                  - {name: disk, mountPath: /disk}
                  - {name: memory, mountPath: /memory, subPath: made}
                """);

        assertThat(shell(pod, "cat /secret/token /one; stat -L -c ' %u:%g' /secret/token /one"))
                .isEqualTo("s3crets3cret 0:0\n 0:0\n");
        assertThat(shell(pod, "touch /disk/a /memory/a; chown 7 /disk/a; stat -c %u /disk/a /memory/a"))
                .isEqualTo("7\n0\n");
    }

    @Test
    void readOnlyReachesMountsBelowIfItIsToAndPropagationGoesBothWays() throws Exception {
        Path host = Files.createDirectories(directory.resolve("host"));
        Files.createDirectories(host.resolve("below"));
        Files.createDirectories(host.resolve("late"));
        Linux.system().mounts().mount("tmpfs", host.toString(), "tmpfs", 0, null);
        Linux.system().mounts().mount(null, host.toString(), null, MountFlags.MS_SHARED, null);
        Files.createDirectories(host.resolve("below"));
        Files.createDirectories(host.resolve("late"));
        Linux.system().mounts().mount("tmpfs", host.resolve("below").toString(), "tmpfs", 0, null);
        try {
            Pod pod = start("""
                    volumes: [{name: data, hostPath: {path: %s}}]
                    containers:
                    - name: main
                      image: %%s
                      command: [sleep, "1000"]
                      securityContext: {privileged: true}
                      volumeMounts:
                      - {name: data, mountPath: /plain, readOnly: true}
                      - {name: data, mountPath: /all, readOnly: true, recursiveReadOnly: Enabled}
                      - {name: data, mountPath: /possible, readOnly: true, recursiveReadOnly: IfPossible}
                      - {name: data, mountPath: /slave, mountPropagation: HostToContainer}
                      - {name: data, mountPath: /shared, mountPropagation: Bidirectional}
                    """.formatted(host));

            assertThat(shell(
                            pod,
                            "for d in plain all possible; do touch /$d/x 2>/dev/null; echo $?; touch /$d/below/x"
                                    + " 2>/dev/null; echo $?; done"))
                    .isEqualTo("1\n0\n1\n1\n1\n1\n");
            assertThat(RealNode.status(pod, "main").getVolumeMounts())
                    .extracting(mount -> mount.getMountPath() + " " + mount.getRecursiveReadOnly())
                    .contains("/plain Disabled", "/all Enabled", "/possible Enabled", "/slave null");
            Linux.system().mounts().mount("tmpfs", host.resolve("late").toString(), "tmpfs", 0, null);
            assertThat(shell(pod, "for d in plain slave shared; do grep -c \" /$d/late \" /proc/self/mountinfo; done"))
                    .isEqualTo("0\n1\n1\n");
            assertThat(shell(pod, "mkdir /shared/own; mount -t tmpfs tmpfs /shared/own; touch /shared/own/seen"))
                    .isEmpty();
            assertThat(host.resolve("own/seen")).exists();
        } finally {
            node.delete();
            for (String mount : List.of("own", "late", "below", "")) {
                Linux.system().mounts().umount2(host.resolve(mount).toString(), MountFlags.MNT_DETACH);
            }
        }
    }

    /** A file system whose server never answers, as an NFS server that has gone. */
    @Test
    void whatHangsHangsNobodyElse() throws Exception {
        Path hung = Files.createDirectories(directory.resolve("hung"));
        Fd server = Linux.system().files().open("/dev/fuse", Fcntl.O_RDWR);
        Linux.system()
                .mounts()
                .mount(
                        "gone",
                        hung.toString(),
                        "fuse",
                        0,
                        "fd=%d,rootmode=40000,user_id=0,group_id=0".formatted(server.number()));
        try {
            for (int i = 0; i < 40; i++) {
                node.engine().create(EngineFixture.pod("""
                        apiVersion: v1
                        kind: Pod
                        metadata: {name: hangs-%d}
                        spec:
                          terminationGracePeriodSeconds: 0
                          hostNetwork: true
                          volumes: [{name: gone, hostPath: {path: %s/data}}]
                          containers:
                          - {name: hangs, image: %s, command: [sleep, "1000"], volumeMounts: [{name: gone, mountPath: /d}]}
                        """.formatted(i, hung, RealNode.IMAGE)));
            }
            Pod pod = start("""
                    volumes: [{name: data, emptyDir: {sizeLimit: 1Mi}}]
                    containers:
                    - {name: main, image: %s, command: [sleep, "1000"], volumeMounts: [{name: data, mountPath: /data}]}
                    """);

            assertThat(shell(pod, "touch /data/x; ls /data")).isEqualTo("x\n");
            for (int i = 0; i < 40; i++) {
                node.engine().delete("default", "hangs-" + i, OptionalLong.of(0));
            }
            node.await(any -> node.engine().pods().size() == 1);
        } finally {
            server.close();
            Linux.system().mounts().umount2(hung.toString(), MountFlags.MNT_DETACH);
        }
    }

    private Pod start(String spec) throws Exception {
        node.create(spec.formatted(RealNode.IMAGE));
        return node.awaitRunning("main");
    }

    private String shell(Pod pod, String script) {
        return node.shell(pod, "main", script);
    }
}

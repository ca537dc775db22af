package dev.gantry.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.IDMapping;
import dev.gantry.cri.v1.ImageSpec;
import dev.gantry.cri.v1.Mount;
import dev.gantry.cri.v1.NamespaceMode;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.cri.v1.RemoveContainerRequest;
import dev.gantry.cri.v1.RemoveImageRequest;
import dev.gantry.cri.v1.StatusRequest;
import dev.gantry.cri.v1.UserNamespace;
import dev.gantry.images.Image;
import dev.gantry.testing.OciImages;
import dev.gantry.testing.RequiresRoot;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Images as volumes of containers. */
@RequiresRoot
class ImageVolumesIT {
    private static final String IMAGE = "example.test/models:1";

    @TempDir
    Path directory;

    private RuntimeFixture fixture;
    private Image models;

    @BeforeEach
    void open() throws Exception {
        fixture = new RuntimeFixture(directory);
        Path archive = directory.resolve("models.tar");
        OciImages.image(IMAGE)
                .file("/models/small", "7 B\n")
                .file("/models/gone", "old\n")
                .script("/bin/hello", "#!/bin/sh\necho hello\n")
                .nextLayer()
                .file("/models/.wh.gone", "")
                .symlink("/latest", "/models")
                .writeArchive(archive);
        models = fixture.runtime().images().load(archive).get(0);
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    private static Mount image(String target, String subPath) {
        return Mount.newBuilder()
                .setContainerPath(target)
                .setReadonly(true)
                .setImage(ImageSpec.newBuilder().setImage(IMAGE))
                .setImageSubPath(subPath)
                .build();
    }

    private static ContainerConfig sleeper(PodSandboxConfig pod, Mount... mounts) {
        return RuntimeFixture.container(pod, "app", List.of("sleep", "1000000"))
                .addAllMounts(Arrays.asList(mounts))
                .build();
    }

    @Test
    void aContainerSeesTheImageAndCannotWrite() {
        PodSandboxConfig pod = fixture.pod("web");
        String id = fixture.startNew(
                fixture.run(pod),
                pod,
                sleeper(
                        pod,
                        image("/all", ""),
                        image("/part", "latest"),
                        image("/etc/one", "/models/small"),
                        image("/again", "")));

        assertThat(fixture.shell(id, "ls /all /all/models; cat /part/small /etc/one; /again/bin/hello"))
                .isEqualTo("/all:\nbin\nlatest\nmodels\n\n/all/models:\nsmall\n7 B\n7 B\nhello\n");
        assertThat(fixture.shell(id, "for f in /all/x /part/x /etc/one; do echo >$f; done"))
                .contains("/all/x: Read-only file system", "/part/x: Read-only", "/etc/one: Read-only");
        assertThat(fixture.status(id).getMountsList())
                .extracting(
                        mount -> mount.getImage().getImage(),
                        mount -> mount.getImage().getImageRef())
                .containsOnly(
                        org.assertj.core.groups.Tuple.tuple(IMAGE, models.id().toString()));
    }

    @Test
    void whatIsMountedStaysWhenTheImageIsRemovedAndGoesWithTheContainer() throws Exception {
        PodSandboxConfig pod = fixture.pod("web");
        String id = fixture.create(fixture.run(pod), pod, sleeper(pod, image("/all", "")));
        fixture.images()
                .removeImage(RemoveImageRequest.newBuilder()
                        .setImage(ImageSpec.newBuilder().setImage(IMAGE))
                        .build());
        fixture.reopen();

        fixture.start(id);

        assertThat(fixture.shell(id, "cat /all/models/small")).isEqualTo("7 B\n");
        assertThat(snapshots()).hasSize(2);
        fixture.cri()
                .removeContainer(
                        RemoveContainerRequest.newBuilder().setContainerId(id).build());
        assertThat(snapshots()).isEmpty();
    }

    @Test
    void whatIsNotThereIsAnErrorAndLeavesNothing() throws IOException {
        PodSandboxConfig pod = fixture.pod("web");
        String sandbox = fixture.run(pod);

        assertThatExceptionOfType(StatusRuntimeException.class)
                .isThrownBy(() -> fixture.create(sandbox, pod, sleeper(pod, image("/all", "no/such"))))
                .withMessage("INVALID_ARGUMENT: mounts[0].image_sub_path 'no/such': not in image '" + IMAGE + "'");
        Mount other = image("/all", "").toBuilder()
                .setImage(ImageSpec.newBuilder().setImage("example.test/other:1"))
                .build();
        assertThatExceptionOfType(StatusRuntimeException.class)
                .isThrownBy(() -> fixture.create(sandbox, pod, sleeper(pod, other)))
                .withMessageStartingWith(
                        "NOT_FOUND: create container 'app': image 'example.test/other:1' of a volume is not present");
        assertThat(snapshots()).isEmpty();
    }

    @Test
    void inAPodWithUsersOfItsOwnTheFilesAreThePods() {
        Assumptions.assumeTrue(
                fixture.cri()
                        .status(StatusRequest.getDefaultInstance())
                        .getRuntimeHandlers(0)
                        .getFeatures()
                        .getUserNamespaces(),
                "no user namespaces here");
        IDMapping mapping =
                IDMapping.newBuilder().setHostId(1_000_000).setLength(65_536).build();
        PodSandboxConfig pod = fixture.pod("mapped", builder -> {
            builder.getLinuxBuilder()
                    .getSecurityContextBuilder()
                    .getNamespaceOptionsBuilder()
                    .setUsernsOptions(UserNamespace.newBuilder()
                            .setMode(NamespaceMode.POD)
                            .addUids(mapping)
                            .addGids(mapping));
            return builder;
        });
        String id = fixture.startNew(fixture.run(pod), pod, sleeper(pod, image("/all", ""), image("/part", "models")));

        assertThat(fixture.shell(id, "stat -c '%u:%g %n' /all /all/bin/hello /part/small; echo >/part/x"))
                .startsWith("0:0 /all\n0:0 /all/bin/hello\n0:0 /part/small\n")
                .contains("/part/x: Read-only file system");
    }

    private List<Path> snapshots() throws IOException {
        try (var found = Files.list(fixture.config().root().resolve("images/snapshots"))) {
            return found.toList();
        }
    }
}

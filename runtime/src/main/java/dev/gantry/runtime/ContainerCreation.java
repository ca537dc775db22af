package dev.gantry.runtime;

import dev.gantry.cgroups.Cgroup;
import dev.gantry.cgroups.Missing;
import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.ContainerEventType;
import dev.gantry.cri.v1.LinuxContainerResources;
import dev.gantry.images.Image;
import dev.gantry.images.ImageReference;
import dev.gantry.images.Snapshot;
import dev.gantry.runtime.ContainerPhase.Created;
import dev.gantry.runtime.spec.ContainerSpec;
import dev.gantry.runtime.spec.SpecCompiler;
import dev.gantry.runtime.spec.SpecException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Makes a container up to the point where only its first process is missing. */
final class ContainerCreation {
    private final Machine machine;

    ContainerCreation(Machine machine) {
        this.machine = machine;
    }

    /** The image's name with a digest, as other runtimes answer: of its names the one that the pod asked for, if it is among them. */
    private static String reference(Image image, ContainerConfig config) {
        String asked = config.getImage().getUserSpecifiedImage();
        return image.repoDigests().stream()
                .filter(digest -> isOf(digest, asked))
                .findFirst()
                .or(() -> image.repoDigests().stream().findFirst())
                .orElseGet(() -> image.id().toString());
    }

    /** The name that people know the image by, as other runtimes answer; empty if it has none. */
    private static String tag(Image image, ContainerConfig config) {
        String specified = config.getImage().getUserSpecifiedImage();
        String asked = canonical(specified.isEmpty() ? config.getImage().getImage() : specified);
        return image.repoTags().stream()
                .filter(asked::equals)
                .findFirst()
                .or(() -> image.repoTags().stream().findFirst())
                .orElse("");
    }

    private static String canonical(String name) {
        try {
            return ImageReference.parse(name).toString();
        } catch (IllegalArgumentException e) {
            // By its id, or by nothing.
            return name;
        }
    }

    private static boolean isOf(String repoDigest, String asked) {
        try {
            return repoDigest.startsWith(ImageReference.parse(asked).name() + "@");
        } catch (IllegalArgumentException e) {
            // By its id, or by nothing.
            return false;
        }
    }

    /** Within the queue. On failure nothing is left. */
    Container create(Sandbox sandbox, String id, ContainerConfig asked) throws IOException, SpecException {
        RequestChecks.container(sandbox.config(), asked);
        if (!sandbox.isReady()) {
            throw CriErrors.wrongState(
                    "create container '%s': its pod sandbox %s is not ready",
                    asked.getMetadata().getName(), sandbox.id());
        }
        ContainerConfig config = ImageVolumes.resolved(machine.images(), asked);
        Image image = image(config);
        Cgroup cgroup = sandbox.cgroup().container(id);
        try {
            ContainerSpec spec = compile(sandbox, id, config, image);
            LinuxContainerResources resources = config.getLinux().getResources();
            List<String> notices = new ArrayList<>(spec.notices());
            if (spec.seLinux().isPresent()) {
                notices.addAll(SeLinuxRelabel.apply(
                        machine.linux().files(),
                        config,
                        sandbox.files(),
                        spec.seLinux().get().files()));
            }
            notices.addAll(limit(sandbox, id, cgroup, spec, resources));
            ContainerRecord record = new ContainerRecord(
                    new Created(),
                    machine.clock().instant(),
                    image.id().toString(),
                    reference(image, config),
                    tag(image, config),
                    spec.context(machine.filters()),
                    spec.pid(),
                    spec.stopSignal(),
                    resources,
                    false,
                    Optional.empty(),
                    notices);
            Container container = new Container(id, sandbox.id(), sandbox.config(), config, cgroup, record);
            container.keep(spec);
            machine.run().create(sandbox.id(), id, config, record);
            sandbox.add(container);
            sandbox.announce(id, ContainerEventType.CONTAINER_CREATED_EVENT, record.createdAt());
            return container;
        } catch (IOException | SpecException | RuntimeException e) {
            undo(id, config, cgroup, e);
            throw e;
        }
    }

    private Image image(ContainerConfig config) {
        String name = config.getImage().getImage();
        return machine.images()
                .find(name)
                .orElseThrow(() -> CriErrors.notFound(
                        "create container '%s': image '%s' is not present, pull it first",
                        config.getMetadata().getName(), name));
    }

    /** Anew after a restart of the runtime, with the same result. */
    ContainerSpec compile(Sandbox sandbox, String id, ContainerConfig config, Image image)
            throws IOException, SpecException {
        Snapshot snapshot = machine.images().prepare(id, image);
        ImageVolumes volumes = ImageVolumes.prepare(machine.images(), id, config);
        return machine.compiler()
                .compile(
                        new SpecCompiler.Pod(
                                sandbox.config(),
                                sandbox.hostname(),
                                sandbox.files(),
                                Optional.of(machine.cgroups().mountPoint())),
                        config,
                        image.config(),
                        snapshot::readFile,
                        volumes);
    }

    private List<String> limit(
            Sandbox sandbox, String id, Cgroup cgroup, ContainerSpec spec, LinuxContainerResources resources)
            throws IOException {
        List<String> notices = new ArrayList<>();
        for (Missing missing : sandbox.cgroup().createContainer(id, Limits.of(resources))) {
            notices.add(missing.toString());
        }
        Limits.devices(spec.devices(), spec.privileged())
                .attach(machine.linux(), cgroup)
                .ifPresent(missing -> notices.add(missing.toString()));
        return notices;
    }

    private void undo(String id, ContainerConfig config, Cgroup cgroup, Exception cause) {
        try {
            if (cgroup.exists()) {
                cgroup.removeRecursively(Teardown.PATIENCE);
            }
            ImageVolumes.remove(machine.images(), id, config);
        } catch (IOException | RuntimeException more) {
            cause.addSuppressed(more);
        }
    }
}

package dev.gantry.runtime;

import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.NamespaceMode;
import dev.gantry.cri.v1.NamespaceOption;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.images.Image;
import dev.gantry.images.Snapshot;
import dev.gantry.runtime.spec.ContainerProgram;
import dev.gantry.runtime.spec.ContainerSpec;
import dev.gantry.runtime.spec.DeviceNode;
import dev.gantry.runtime.spec.HostFiles;
import dev.gantry.runtime.spec.PodUsers;
import dev.gantry.runtime.spec.SandboxFiles;
import dev.gantry.runtime.spec.SandboxProgram;
import dev.gantry.runtime.spec.SeLinuxLabels;
import dev.gantry.runtime.spec.SpecCompiler;
import dev.gantry.runtime.spec.SpecException;
import dev.gantry.runtime.spec.Sysctls;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** Says what would be executed for a container, without executing anything. */
final class Explanation {
    private final Machine machine;

    Explanation(Machine machine) {
        this.machine = machine;
    }

    String of(PodSandboxConfig sandbox, ContainerConfig asked) throws IOException {
        ContainerConfig container = ImageVolumes.resolved(machine.images(), asked);
        String id = "explain-" + Ids.shortRandom();
        String name = container.getImage().getImage();
        Image image = machine.images()
                .find(name)
                .orElseThrow(() -> new IOException("explain '%s': image '%s' is not present, pull it first"
                        .formatted(container.getMetadata().getName(), name)));
        try {
            Snapshot snapshot = machine.images().prepare(id, image);
            return text(sandbox, container, image, snapshot, ImageVolumes.prepare(machine.images(), id, container));
        } catch (SpecException e) {
            throw new IOException(
                    "explain '%s': %s".formatted(container.getMetadata().getName(), e.getMessage()), e);
        } finally {
            ImageVolumes.remove(machine.images(), id, container);
        }
    }

    /** The host's files, of which none is made. */
    private record Untouched(HostFiles host) implements HostFiles {
        @Override
        public Kind kind(String path) throws IOException {
            return host.kind(path);
        }

        @Override
        public void createDirectory(String path) {
            // It would be there by then.
        }

        @Override
        public List<DeviceNode> devices(String path) throws IOException {
            return host.devices(path);
        }

        @Override
        public Optional<Set<String>> appArmorProfiles() throws IOException {
            return host.appArmorProfiles();
        }

        @Override
        public Optional<String> defaultAppArmorProfile() {
            return AppArmorDefault.expected();
        }
    }

    private String text(
            PodSandboxConfig sandbox, ContainerConfig container, Image image, Snapshot snapshot, ImageVolumes volumes)
            throws SpecException, IOException {
        NamespaceOption namespaces = sandbox.getLinux().getSecurityContext().getNamespaceOptions();
        boolean hostNetwork = namespaces.getNetwork() == NamespaceMode.NODE;
        String hostname =
                sandbox.getHostname().isEmpty() ? sandbox.getMetadata().getName() : sandbox.getHostname();
        Path files = machine.run().sandbox("POD");
        SpecCompiler.Pod pod = new SpecCompiler.Pod(
                sandbox,
                hostname,
                new SandboxFiles(
                        Optional.of(files.resolve("hosts").toString()),
                        Optional.of(files.resolve("hostname").toString()),
                        Optional.of(files.resolve("resolv.conf").toString())),
                Optional.of(machine.cgroups().mountPoint()));
        SpecCompiler compiler = new SpecCompiler(machine.facts(), new Untouched(new SystemHostFiles(machine.linux())));
        ContainerSpec spec = compiler.compile(pod, container, image.config(), snapshot::readFile, volumes);
        StringBuilder text = new StringBuilder();
        text.append("# pod sandbox '%s': executed by pause, once\n"
                .formatted(sandbox.getMetadata().getName()));
        text.append(SandboxProgram.write(
                        hostNetwork ? "" : hostname,
                        Sysctls.compile(
                                sandbox.getLinux().getSysctlsMap(),
                                hostNetwork,
                                namespaces.getIpc() == NamespaceMode.NODE),
                        OptionalInt.of(Math.max(-998, machine.facts().oomScoreAdjFloor())),
                        PodUsers.of(namespaces),
                        SeLinuxLabels.of(
                                sandbox.getLinux().getSecurityContext().getSelinuxOptions(),
                                sandbox.getMetadata().getUid(),
                                machine.facts().seLinux()))
                .explain());
        text.append("\n# container '%s': executed by its first process\n"
                .formatted(container.getMetadata().getName()));
        spec.notices().forEach(notice -> text.append("# note: ").append(notice).append('\n'));
        text.append(ContainerProgram.write(
                        spec,
                        spec.context(machine.filters()),
                        ImageVolumes.layers(snapshot),
                        volumes.layers(),
                        machine.maxFiles())
                .explain());
        return text.toString();
    }
}

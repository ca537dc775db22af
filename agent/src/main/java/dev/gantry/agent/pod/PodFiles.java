package dev.gantry.agent.pod;

import dev.gantry.agent.event.PodReference;
import dev.gantry.agent.rotation.RotatedLogs;
import dev.gantry.cri.v1.Mount;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.HostAlias;
import io.fabric8.kubernetes.api.model.HostPathVolumeSource;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodIP;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The files of pods outside the runtime: directories for logs and volumes, hosts files. */
final class PodFiles {
    private static final int MAX_RESOLV_CONF_BYTES = 64 << 10;
    private static final int MAX_HOSTS_BYTES = 1 << 20;
    private static final Path NODE_HOSTS = Path.of("/etc/hosts");

    private final PodPaths paths;
    private final Path resolvConf;
    private final UserNamespaces users;
    private final String clusterDomain;
    private final TerminationMessages messages;

    /**
     * Uses these directories; makes them when they are needed.
     *
     * @param resolvConf the host's
     * @param clusterDomain of pods with a subdomain; may be empty
     */
    PodFiles(PodPaths paths, Path resolvConf, UserNamespaces users, String clusterDomain) {
        this.paths = paths;
        this.resolvConf = resolvConf;
        this.users = users;
        this.clusterDomain = clusterDomain;
        this.messages = new TerminationMessages(paths);
    }

    static List<String> containerNames(Pod pod) {
        return PodContainers.all(pod).stream().map(Container::getName).toList();
    }

    /** The content of the host's resolv.conf; empty if there is none. */
    String hostResolvConf() {
        return content(resolvConf, MAX_RESOLV_CONF_BYTES);
    }

    void prepareSandbox(PodReference pod, boolean ownUsers) throws IOException {
        Files.createDirectories(logDirectory(pod));
        Files.createDirectories(paths.pod(pod.uid()));
        if (ownUsers) {
            users.allocate(pod.uid());
        }
    }

    /** How many runs of each container left a log: one more than the highest number. */
    Map<String, Integer> loggedRestarts(PodReference pod, List<String> containers) {
        Map<String, Integer> result = new HashMap<>();
        for (String container : containers) {
            try (Stream<Path> logs = Files.list(logDirectory(pod).resolve(container))) {
                logs.map(log -> log.getFileName().toString())
                        .filter(name -> name.contains(".log"))
                        .map(name -> PodWorker.parse(name.substring(0, name.indexOf(".log"))))
                        .filter(number -> number.isPresent() && number.getAsLong() < Integer.MAX_VALUE)
                        .mapToInt(number -> (int) number.getAsLong() + 1)
                        .max()
                        .ifPresent(next -> result.put(container, next));
            } catch (IOException e) {
                // No logs: it never ran.
            }
        }
        return result;
    }

    /** Makes what a container's run needs, and tells what is mounted into it. */
    List<Mount> prepareContainer(Pod pod, Container container, int restartCount)
            throws IOException, StartFailedException {
        PodReference reference = new PodReference(
                pod.getMetadata().getNamespace(),
                pod.getMetadata().getName(),
                pod.getMetadata().getUid());
        Files.createDirectories(logDirectory(reference).resolve(container.getName()));
        List<Mount> mounts = new ArrayList<>();
        for (VolumeMount mount :
                container.getVolumeMounts() == null ? List.<VolumeMount>of() : container.getVolumeMounts()) {
            mounts.add(CriConfigs.mount(mount, source(pod, mount.getName())));
        }
        boolean ownHosts =
                mounts.stream().anyMatch(mount -> mount.getContainerPath().equals("/etc/hosts"));
        if (!ownHosts) {
            mounts.add(Mount.newBuilder()
                    .setContainerPath("/etc/hosts")
                    .setHostPath(hosts(pod).toString())
                    .build());
        }
        String messagePath = container.getTerminationMessagePath();
        boolean ownMessage =
                mounts.stream().anyMatch(mount -> mount.getContainerPath().equals(messagePath));
        if (messagePath != null && !messagePath.isEmpty() && !ownMessage) {
            mounts.add(messages.prepare(reference, container.getName(), restartCount, messagePath));
        }
        return mounts;
    }

    TerminationMessages messages() {
        return messages;
    }

    private Path source(Pod pod, String name) throws IOException, StartFailedException {
        Volume volume = pod.getSpec().getVolumes().stream()
                .filter(one -> one.getName().equals(name))
                .findFirst()
                .orElseThrow(() -> StartFailedException.config("volume '" + name + "' is not among the pod's volumes"));
        if (volume.getHostPath() != null) {
            return hostPath(volume.getHostPath());
        }
        if (volume.getEmptyDir() != null) {
            return emptyDir(pod, name);
        }
        throw StartFailedException.config("volume '" + name + "' has a source that is not supported");
    }

    private Path emptyDir(Pod pod, String name) throws IOException {
        Path directory = paths.pod(pod.getMetadata().getUid())
                .resolve("volumes/kubernetes.io~empty-dir")
                .resolve(name);
        if (Files.notExists(directory)) {
            Files.createDirectories(directory);
            Long group = pod.getSpec().getSecurityContext() == null
                    ? null
                    : pod.getSpec().getSecurityContext().getFsGroup();
            if (group != null) {
                Files.setAttribute(directory, "unix:gid", group.intValue());
            }
            // setPosixFilePermissions knows no set-group-id bit.
            Files.setAttribute(directory, "unix:mode", group != null ? 02777 : 0777);
        }
        return directory;
    }

    private static Path hostPath(HostPathVolumeSource source) throws IOException, StartFailedException {
        Path path = Path.of(source.getPath());
        String type = source.getType() == null ? "" : source.getType();
        switch (type) {
            case "" -> {
                if (Files.notExists(path)) {
                    // As container runtimes do for a bind mount's source.
                    Files.createDirectories(path);
                }
            }
            case "DirectoryOrCreate" -> {
                if (Files.notExists(path)) {
                    Files.createDirectories(path);
                    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxr-xr-x"));
                }
                check(Files.isDirectory(path), path, "directory");
            }
            case "FileOrCreate" -> {
                if (Files.notExists(path)) {
                    Files.createFile(path);
                    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-r--r--"));
                }
                check(Files.isRegularFile(path), path, "file");
            }
            case "Directory" -> check(Files.isDirectory(path), path, "directory");
            case "File" -> check(Files.isRegularFile(path), path, "file");
            case "Socket" -> check(hasType(path, 0140000), path, "socket");
            case "CharDevice" -> check(hasType(path, 0020000), path, "character device");
            default -> check(hasType(path, 0060000), path, "block device");
        }
        return path;
    }

    private static boolean hasType(Path path, int type) throws IOException {
        return Files.exists(path) && ((Integer) Files.getAttribute(path, "unix:mode") & 0170000) == type;
    }

    private static void check(boolean is, Path path, String kind) throws StartFailedException {
        if (!is) {
            throw StartFailedException.config("hostPath type check failed: " + path + " is not a " + kind);
        }
    }

    /** One for all containers of the pod, which may write to it; anew at each start, as its addresses may be. */
    private Path hosts(Pod pod) throws IOException {
        List<HostAlias> aliases = pod.getSpec().getHostAliases();
        String text = Boolean.TRUE.equals(pod.getSpec().getHostNetwork())
                ? HostsFile.ofNode(content(NODE_HOSTS, MAX_HOSTS_BYTES), aliases)
                : HostsFile.of(ips(pod), PodHostName.of(pod, clusterDomain), aliases);
        Path file = paths.pod(pod.getMetadata().getUid()).resolve("etc-hosts");
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
        return file;
    }

    private static List<String> ips(Pod pod) {
        return pod.getStatus() == null || pod.getStatus().getPodIPs() == null
                ? List.of()
                : pod.getStatus().getPodIPs().stream().map(PodIP::getIp).toList();
    }

    private static String content(Path file, int maxBytes) {
        try (var in = Files.newInputStream(file)) {
            return new String(in.readNBytes(maxBytes), StandardCharsets.UTF_8);
        } catch (IOException e) {
            // A machine without one has nothing to hand on.
            return "";
        }
    }

    /** What a run left, once it is no run that anybody asks about. */
    void removeRun(PodReference pod, String container, int restartCount) {
        messages.remove(pod, container, restartCount);
        Path directory = logDirectory(pod).resolve(container);
        String log = restartCount + ".log";
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.filter(one -> RotatedLogs.belongsTo(log, String.valueOf(one.getFileName())))
                    .toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            // It goes with the pod's directory.
        }
    }

    /** Removes all that a pod left: its volumes, its logs. What cannot be removed is left to the next start. */
    void remove(PodReference pod) {
        removeTree(paths.pod(pod.uid()));
        removeTree(logDirectory(pod));
        if (Files.notExists(paths.pod(pod.uid()))) {
            users.release(pod.uid());
        }
    }

    private static void removeTree(Path directory) {
        try {
            Files.walkFileTree(directory, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                    Files.deleteIfExists(file);
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult postVisitDirectory(
                        Path visited, @org.jspecify.annotations.Nullable IOException e) throws IOException {
                    Files.deleteIfExists(visited);
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (NoSuchFileException e) {
            // Nothing to remove.
        } catch (IOException e) {
            // In use or read-only: the pod is gone all the same.
        }
    }

    private Path logDirectory(PodReference pod) {
        return paths.logDirectory(pod.namespace(), pod.name(), pod.uid());
    }
}

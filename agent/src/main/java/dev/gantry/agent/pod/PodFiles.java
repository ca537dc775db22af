package dev.gantry.agent.pod;

import dev.gantry.agent.event.PodReference;
import dev.gantry.agent.rotation.RotatedLogs;
import dev.gantry.agent.volume.VolumeManager;
import dev.gantry.cri.v1.Mount;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.HostAlias;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodIP;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
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
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The files of pods outside the runtime: directories for logs and volumes, hosts files. */
final class PodFiles {
    private static final Logger log = LoggerFactory.getLogger(PodFiles.class);

    /** NAME_MAX of Linux. */
    private static final int MAX_NAME = 255;

    private static final int MAX_RESOLV_CONF_BYTES = 64 << 10;
    private static final int MAX_HOSTS_BYTES = 1 << 20;
    private static final Path NODE_HOSTS = Path.of("/etc/hosts");

    private final PodPaths paths;
    private final Path resolvConf;
    private final UserNamespaces users;
    private final String clusterDomain;
    private final TerminationMessages messages;
    private final VolumeManager volumes;

    /**
     * Uses these directories; makes them when they are needed.
     *
     * @param resolvConf the host's
     * @param clusterDomain of pods with a subdomain; may be empty
     */
    PodFiles(PodPaths paths, Path resolvConf, UserNamespaces users, String clusterDomain, VolumeManager volumes) {
        this.paths = paths;
        this.resolvConf = resolvConf;
        this.users = users;
        this.clusterDomain = clusterDomain;
        this.messages = new TerminationMessages(paths);
        this.volumes = volumes;
    }

    /** Where the agent keeps what it has of a pod. */
    Path directory(PodReference pod) {
        return paths.pod(pod.uid());
    }

    static List<String> containerNames(Pod pod) {
        return PodContainers.all(pod).stream().map(Container::getName).toList();
    }

    /** The content of the host's resolv.conf; empty if there is none. */
    String hostResolvConf() {
        return content(resolvConf, MAX_RESOLV_CONF_BYTES);
    }

    void prepareSandbox(PodReference pod, boolean ownUsers) throws IOException {
        Path logs = logDirectory(pod);
        int length = String.valueOf(logs.getFileName()).length();
        if (length > MAX_NAME) {
            throw new IOException(
                    "make the directory of the pod's logs, namespace_name_uid: its name has %d characters, and a file's has %d at most; choose a shorter name"
                            .formatted(length, MAX_NAME));
        }
        Files.createDirectories(logs);
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

    /** Makes what a container's run needs beside its volumes, and tells all that is mounted into it. */
    List<Mount> prepareContainer(Pod pod, Container container, int restartCount, List<Mount> volumeMounts)
            throws IOException {
        PodReference reference = PodReference.of(pod);
        Files.createDirectories(logDirectory(reference).resolve(container.getName()));
        List<Mount> mounts = new ArrayList<>(volumeMounts);
        boolean ownHosts =
                mounts.stream().anyMatch(mount -> mount.getContainerPath().equals("/etc/hosts"));
        if (!ownHosts) {
            mounts.add(Mount.newBuilder()
                    .setContainerPath("/etc/hosts")
                    .setHostPath(hosts(pod).toString())
                    .setSelinuxRelabel(true)
                    .build());
        }
        String messagePath = absolute(container.getTerminationMessagePath());
        boolean ownMessage =
                mounts.stream().anyMatch(mount -> mount.getContainerPath().equals(messagePath));
        if (!messagePath.isEmpty() && !ownMessage) {
            mounts.add(messages.prepare(reference, container.getName(), restartCount, messagePath));
        }
        return mounts;
    }

    /** As the kubelet takes it: from the root. */
    private static String absolute(@Nullable String path) {
        if (path == null || path.isEmpty()) {
            return "";
        }
        return path.startsWith("/") ? path : "/" + path;
    }

    TerminationMessages messages() {
        return messages;
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
        try {
            volumes.remove(pod.uid());
        } catch (IOException e) {
            // Deleting would go through the mounts, into what is not the pod's.
            log.atWarn()
                    .addKeyValue("pod", pod.namespace() + "/" + pod.name())
                    .addKeyValue("podUid", pod.uid())
                    .setCause(e)
                    .log("Could not unmount volumes of pod, leaving its directory");
            return;
        }
        removeTree(paths.pod(pod.uid()));
        removeTree(logDirectory(pod));
        if (Files.notExists(paths.pod(pod.uid()))) {
            users.release(pod.uid());
        }
    }

    /**
     * Removes what pods left that ended while no agent ran, or with the machine. A directory whose record could not be
     * read is left alone: somebody should look at it.
     *
     * @param known whether there is a pod of this uid
     */
    void removeUnknown(Predicate<String> known) {
        try (DirectoryStream<Path> directories = Files.newDirectoryStream(paths.pods())) {
            for (Path directory : directories) {
                String uid = directory.getFileName().toString();
                if (Files.isDirectory(directory) && !known.test(uid) && !PodRecords.isUnreadable(directory)) {
                    logDirectories(uid).forEach(PodFiles::removeTree);
                    remove(new PodReference("", "", uid));
                }
            }
        } catch (NoSuchFileException e) {
            // The first start.
        } catch (IOException e) {
            log.atWarn().addKeyValue("path", paths.pods()).setCause(e).log("Could not list what earlier pods left");
        }
    }

    private List<Path> logDirectories(String uid) throws IOException {
        if (Files.notExists(paths.logs())) {
            return List.of();
        }
        try (Stream<Path> all = Files.list(paths.logs())) {
            return all.filter(one -> one.getFileName().toString().endsWith("_" + uid))
                    .toList();
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
                public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException e) throws IOException {
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

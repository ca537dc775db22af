package dev.gantry.runtime;

import dev.gantry.linux.DirectoryEntry;
import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FileStatus;
import dev.gantry.linux.Linux;
import dev.gantry.runtime.spec.DeviceNode;
import dev.gantry.runtime.spec.HostFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The host's files, as they are. */
final class SystemHostFiles implements HostFiles {
    /** Below /dev these are file systems of their own, which a container gets fresh. */
    private static final Set<String> SKIPPED = Set.of("pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev");

    /** A line for each: {@code name (mode)}. */
    private static final Path PROFILES = Path.of("/sys/kernel/security/apparmor/profiles");

    private static final int MAX_DEVICES = 4096;

    private final Linux linux;
    private final AppArmorDefault appArmorDefault = new AppArmorDefault(PROFILES);

    SystemHostFiles(Linux linux) {
        this.linux = linux;
    }

    @Override
    public Kind kind(String path) throws IOException {
        try {
            return linux.files().fstatat(Fd.AT_FDCWD, path, 0).isDirectory() ? Kind.DIRECTORY : Kind.OTHER;
        } catch (ErrnoException e) {
            if (e.is(Errno.ENOENT)) {
                return Kind.MISSING;
            }
            throw e;
        }
    }

    @Override
    public void createDirectory(String path) throws IOException {
        Files.createDirectories(Path.of(path));
    }

    @Override
    public List<DeviceNode> devices(String path) throws IOException {
        List<DeviceNode> devices = new ArrayList<>();
        FileStatus status = linux.files().fstatat(Fd.AT_FDCWD, path, 0);
        if (status.isDirectory()) {
            walk(path, devices);
        } else {
            add(path, status, devices);
        }
        return devices;
    }

    @Override
    public Optional<Set<String>> appArmorProfiles() throws IOException {
        if (!Files.isReadable(PROFILES)) {
            return Optional.empty();
        }
        Set<String> names = new HashSet<>();
        for (String line : Files.readAllLines(PROFILES)) {
            int mode = line.lastIndexOf(" (");
            names.add(mode < 0 ? line : line.substring(0, mode));
        }
        return Optional.of(names);
    }

    @Override
    public Optional<String> defaultAppArmorProfile() {
        return appArmorDefault.load();
    }

    private void walk(String directory, List<DeviceNode> devices) throws IOException {
        List<DirectoryEntry> entries;
        try (Fd open = linux.files().open(directory, Fcntl.O_RDONLY | Fcntl.O_DIRECTORY | Fcntl.O_NOFOLLOW)) {
            entries = linux.files().list(open);
        }
        for (DirectoryEntry entry : entries) {
            if (SKIPPED.contains(entry.name()) || entry.name().equals("console") || devices.size() >= MAX_DEVICES) {
                continue;
            }
            String path = directory + "/" + entry.name();
            FileStatus status;
            try {
                status = linux.files().lstat(path);
            } catch (ErrnoException e) {
                // Devices come and go.
                continue;
            }
            if (status.isDirectory()) {
                walk(path, devices);
            } else {
                add(path, status, devices);
            }
        }
    }

    private static void add(String path, FileStatus status, List<DeviceNode> devices) {
        if (status.isCharacterDevice() || status.isBlockDevice()) {
            devices.add(new DeviceNode(
                    path,
                    status.isBlockDevice(),
                    status.deviceMajor(),
                    status.deviceMinor(),
                    status.permissions(),
                    status.uid(),
                    status.gid(),
                    "rwm"));
        }
    }
}

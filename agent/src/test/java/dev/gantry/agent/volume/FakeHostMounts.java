package dev.gantry.agent.volume;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;

/** Mounts that are only remembered. */
final class FakeHostMounts implements HostMounts {
    final List<String> calls = new ArrayList<>();
    final Set<Path> mounted = new TreeSet<>();

    @Override
    public void tmpfs(Path target, OptionalLong sizeBytes) {
        mount("tmpfs " + (sizeBytes.isPresent() ? sizeBytes.getAsLong() : "unlimited"), target);
    }

    @Override
    public void hugePages(Path target, String pageSize) {
        mount("hugetlbfs " + pageSize, target);
    }

    @Override
    public void image(Path image, Path target) {
        mount("image " + image.getFileName(), target);
    }

    @Override
    public void bindBeneath(Path volume, String subPath, Path target) throws IOException {
        Files.createDirectories(target);
        mount("bind " + volume.getFileName() + " " + subPath, target);
    }

    private void mount(String call, Path target) {
        calls.add(call);
        mounted.add(target);
    }

    @Override
    public boolean isMountPoint(Path path) {
        return mounted.contains(path);
    }

    @Override
    public void unmount(Path target) {
        mounted.remove(target);
    }

    @Override
    public void unmountBelow(Path directory) {
        mounted.removeIf(path -> path.startsWith(directory));
    }
}

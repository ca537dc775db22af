package dev.gantry.images.store;

import dev.gantry.images.ImageException;
import dev.gantry.images.ImageReference;
import dev.gantry.images.archive.ImageArchive;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A directory of archives that stand in for a registry: air-gapped nodes, demonstrations. */
final class ArchiveDirectory {
    private static final Logger log = LoggerFactory.getLogger(ArchiveDirectory.class);
    private static final List<String> SUFFIXES = List.of(".tar");

    private final Optional<Path> directory;
    private final Map<Path, Known> known = new HashMap<>();

    private record Known(long size, FileTime modified, Set<ImageReference> names) {}

    ArchiveDirectory(Optional<Path> directory) {
        this.directory = directory;
    }

    /** The archive that has an image of this name; uncompressed tars ({@code *.tar}) and layout directories count. */
    synchronized Optional<Path> find(ImageReference reference) {
        if (directory.isEmpty() || reference.digest().isPresent() || !Files.isDirectory(directory.get())) {
            return Optional.empty();
        }
        try (Stream<Path> entries = Files.list(directory.get())) {
            List<Path> archives =
                    entries.filter(ArchiveDirectory::isArchive).sorted().toList();
            known.keySet().retainAll(archives);
            for (Path archive : archives) {
                if (names(archive).contains(reference)) {
                    return Optional.of(archive);
                }
            }
        } catch (IOException e) {
            log.atDebug().addKeyValue("path", directory.get()).setCause(e).log("Could not list archives");
        }
        return Optional.empty();
    }

    private static boolean isArchive(Path path) {
        String name = String.valueOf(path.getFileName());
        return SUFFIXES.stream().anyMatch(name::endsWith) || Files.exists(path.resolve("oci-layout"));
    }

    private Set<ImageReference> names(Path archive) throws IOException {
        Path file = Files.isDirectory(archive) ? archive.resolve("index.json") : archive;
        BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
        Known before = known.get(archive);
        if (before != null
                && before.size() == attributes.size()
                && before.modified().equals(attributes.lastModifiedTime())) {
            return before.names();
        }
        Set<ImageReference> names = Set.of();
        try (ImageArchive opened = ImageArchive.open(archive, archive)) {
            names = opened.names();
        } catch (ImageException e) {
            log.atDebug().addKeyValue("path", archive).setCause(e).log("Could not read archive, ignoring it");
        }
        known.put(archive, new Known(attributes.size(), attributes.lastModifiedTime(), names));
        return names;
    }
}

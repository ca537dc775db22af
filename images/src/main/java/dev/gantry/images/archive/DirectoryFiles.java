package dev.gantry.images.archive;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** An archive that lies unpacked. */
final class DirectoryFiles implements ArchiveFiles {
    private final Path directory;

    DirectoryFiles(Path directory) {
        this.directory = directory;
    }

    @Override
    public String describe() {
        return directory.toString();
    }

    @Override
    public boolean has(String name) {
        return isInside(name) && Files.isRegularFile(directory.resolve(name));
    }

    @Override
    public Optional<Long> size(String name) throws IOException {
        return has(name) ? Optional.of(Files.size(directory.resolve(name))) : Optional.empty();
    }

    @Override
    public InputStream open(String name) throws IOException {
        if (!isInside(name)) {
            throw new IOException("'" + name + "' leaves the archive");
        }
        return Files.newInputStream(directory.resolve(name));
    }

    /** Names come from the archive itself; links in it may only lead to its own files. */
    private boolean isInside(String name) {
        try {
            return directory.resolve(name).toRealPath().startsWith(directory.toRealPath());
        } catch (IOException | IllegalArgumentException e) {
            return false; // not there, or no name that a file can have
        }
    }

    @Override
    public void close() {}
}

package dev.gantry.agent.api;

import dev.gantry.agent.rotation.RotatedLogs;
import dev.gantry.agent.rotation.RotatedLogs.Rotated;
import dev.gantry.linux.FileCalls;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * All files that one run of a container has written, as one log: those that were rotated, compressed or not, oldest first, then
 * the one that is being written. Rotation may go on meanwhile.
 *
 * <p>The place in it is the stamp of the last rotated file that was read: what comes next is the first with a later one, or else
 * the current file. A file that was opened is read to its end, whatever becomes of its name.
 */
final class LogHistory implements AutoCloseable {
    private final FileCalls files;
    private final Path root;
    private final Path path;
    private final String name;
    private final LogReader reader;

    private List<Rotated> rotated = List.of();
    private String read = "";
    private @Nullable LogFile current;

    LogHistory(FileCalls files, Path root, Path path, LogReader reader) {
        this.files = files;
        this.root = root;
        this.path = path;
        this.name = String.valueOf(path.getFileName());
        this.reader = reader;
    }

    /**
     * Looks what there is.
     *
     * @throws IOException if the log may not be read; before anything was
     */
    void open() throws IOException {
        openCurrent();
    }

    /** Opens the file that is being written, and lists those before it: none is missed if it is rotated in between. */
    private void openCurrent() throws IOException {
        List<Rotated> before = list();
        while (true) {
            LogFile file = LogFile.open(files, root, path).orElse(null);
            List<Rotated> after = list();
            if (after.equals(before)) {
                current = file;
                rotated = after;
                return;
            }
            if (file != null) {
                file.close();
            }
            before = after;
        }
    }

    /** Reads all that is asked for of what there is. */
    void begin() throws IOException {
        long lines = reader.options().tailLines();
        if (lines < 0) {
            readRotated(0);
            readCurrent(0);
            return;
        }
        LogReader.Tail tail = current == null ? new LogReader.Tail(0, 0) : LogReader.tail(current, lines);
        if (tail.lines() < lines) {
            readRotated(lines - tail.lines());
        } else if (!rotated.isEmpty()) {
            read = last().stamp();
        }
        readCurrent(tail.offset());
    }

    private void readCurrent(long offset) throws IOException {
        reader.nextFile(offset);
        if (current != null) {
            reader.readOn(current);
        }
    }

    private Rotated last() {
        return rotated.get(rotated.size() - 1);
    }

    /**
     * Reads rotated files.
     *
     * @param tailLines at their end; 0 for all
     */
    private void readRotated(long tailLines) throws IOException {
        int first = 0;
        long skip = 0;
        if (tailLines > 0) {
            long missing = tailLines;
            first = rotated.size();
            while (missing > 0 && first > 0) {
                first--;
                long lines = countLines(rotated.get(first));
                skip = Math.max(0, lines - missing);
                missing -= lines;
            }
        }
        for (Rotated file : rotated.subList(first, rotated.size())) {
            if (!reader.isFull() && !isOlderThanAsked(file)) {
                reader.skipLines(skip);
                readWhole(file);
            }
            skip = 0;
        }
        if (!rotated.isEmpty()) {
            read = last().stamp();
        }
    }

    private boolean isOlderThanAsked(Rotated file) {
        return reader.options()
                .since()
                // the stamp counts whole seconds
                .map(since -> since.isAfter(file.at().plusSeconds(1)))
                .orElse(false);
    }

    private long countLines(Rotated file) throws IOException {
        LineCounter counter = new LineCounter();
        try (LogSource source = openRotated(file).orElse(null)) {
            if (source != null) {
                counter.readAll(source);
            }
        }
        return counter.lines();
    }

    private void readWhole(Rotated file) throws IOException {
        try (LogSource source = openRotated(file).orElse(null)) {
            if (source != null) {
                reader.nextFile(0);
                reader.readOn(source);
            }
        }
    }

    /** Empty if it was too old and was deleted meanwhile; compressed meanwhile it is the same. */
    private Optional<LogSource> openRotated(Rotated file) throws IOException {
        Path directory = Objects.requireNonNull(path.getParent());
        Optional<LogFile> opened = LogFile.open(files, root, directory.resolve(file.name()));
        boolean compressed = file.compressed();
        if (opened.isEmpty() && !compressed) {
            opened = LogFile.open(files, root, directory.resolve(file.name() + ".gz"));
            compressed = true;
        }
        if (opened.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(compressed ? new CompressedLog(opened.get()) : opened.get());
    }

    /**
     * Reads what is new, over any number of rotations.
     *
     * @return whether there was anything
     */
    boolean readOn() throws IOException {
        boolean any = current != null && reader.readOn(current);
        if (!isRotated()) {
            return any;
        }
        LogFile before = current;
        current = null;
        try (before) {
            if (before != null) {
                // The writer has gone on to the next file, so this one is complete now.
                reader.readOn(before);
            }
            openCurrent();
        }
        readNew(before != null);
        return true;
    }

    /** Whether there is another file now than the one that is open; none at all means that its successor is about to be made. */
    private boolean isRotated() throws IOException {
        try (LogFile newest = LogFile.open(files, root, path).orElse(null)) {
            return newest != null && (current == null || !newest.isSame(current));
        }
    }

    /** Reads the files after the last one, of which the first is that which was followed, if any was. */
    private void readNew(boolean followed) throws IOException {
        List<Rotated> later = rotated.stream()
                .filter(file -> file.stamp().compareTo(read) > 0)
                .toList();
        for (Rotated file : later.subList(followed && !later.isEmpty() ? 1 : 0, later.size())) {
            readWhole(file);
        }
        if (!rotated.isEmpty()) {
            read = last().stamp();
        }
        readCurrent(0);
    }

    private List<Rotated> list() throws IOException {
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> siblings = Files.newDirectoryStream(Objects.requireNonNull(path.getParent()))) {
            siblings.forEach(sibling -> names.add(String.valueOf(sibling.getFileName())));
        } catch (NoSuchFileException | NotDirectoryException e) {
            return List.of();
        }
        return RotatedLogs.of(name, names);
    }

    @Override
    public void close() {
        if (current != null) {
            current.close();
        }
    }

    /** Counts whole lines; pieces of one count once. */
    private static final class LineCounter {
        private final LogReader reader;
        private long lines;

        LineCounter() {
            this.reader = new LogReader(new LogReader.Options(-1, Optional.empty(), false, -1, ""), this::count);
        }

        private void count(byte[] bytes, int length) {
            for (int i = 0; i < length; i++) {
                lines += bytes[i] == '\n' ? 1 : 0;
            }
        }

        void readAll(LogSource source) throws IOException {
            reader.readOn(source);
        }

        long lines() {
            return lines;
        }
    }
}

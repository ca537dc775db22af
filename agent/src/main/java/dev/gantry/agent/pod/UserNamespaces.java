package dev.gantry.agent.pod;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Which of the host's ids each pod's users stand for. No two pods have one in common for as long as either has a
 * directory; each range is written into its pod's directory, in the kubelet's file and format, before it is used, and is
 * free again when that directory is gone. Thread-safe.
 */
final class UserNamespaces {
    private static final String FILE = "userns";
    private static final int MAX_FILE_BYTES = 4096;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path pods;
    private final IdRanges ranges;
    private final Map<String, IdRange> byUid = new HashMap<>();
    private final BitSet taken = new BitSet();

    private UserNamespaces(Path pods, IdRanges ranges) {
        this.pods = pods;
        this.ranges = ranges;
    }

    /**
     * Reads what earlier agents gave out.
     *
     * @param pods one directory per pod uid
     * @throws IOException also if a record cannot be understood: its ids might be given out twice
     */
    static UserNamespaces open(Path pods, IdRanges ranges) throws IOException {
        UserNamespaces users = new UserNamespaces(pods, ranges);
        if (Files.isDirectory(pods)) {
            try (DirectoryStream<Path> directories = Files.newDirectoryStream(pods)) {
                for (Path directory : directories) {
                    users.restore(directory);
                }
            }
        }
        return users;
    }

    private void restore(Path directory) throws IOException {
        Path file = directory.resolve(FILE);
        byte[] content;
        try (var in = Files.newInputStream(file)) {
            content = in.readNBytes(MAX_FILE_BYTES);
        } catch (NoSuchFileException e) {
            return;
        } catch (IOException e) {
            if (!Files.isDirectory(directory)) {
                return;
            }
            throw e;
        }
        keep(String.valueOf(directory.getFileName()), parse(file, content));
    }

    private static IdRange parse(Path file, byte[] content) throws IOException {
        JsonNode mapping;
        try {
            mapping = JSON.readTree(content).path("uidMappings").path(0);
        } catch (IOException e) {
            throw new IOException(unreadable(file), e);
        }
        long first = mapping.path("hostId").asLong(-1);
        int length = mapping.path("length").asInt(-1);
        if (first < IdRanges.UNIT || length < 1 || mapping.path("containerId").asLong(-1) != 0) {
            throw new IOException(unreadable(file));
        }
        return new IdRange(first, length);
    }

    private static String unreadable(Path file) {
        return "read the user ids of a pod in %s: not the record of one range; stop that pod and remove the file"
                .formatted(file);
    }

    /** A range that the configuration has moved meanwhile stays its pod's, and blocks all that it overlaps. */
    private void keep(String uid, IdRange range) {
        byUid.put(uid, range);
        mark(range, true);
    }

    private void mark(IdRange range, boolean used) {
        for (int i = 0; i < ranges.count(); i++) {
            long start = ranges.start(i);
            if (start < range.first() + range.length() && range.first() < start + ranges.length()) {
                taken.set(i, used);
            }
        }
    }

    /** The range that a pod was given. */
    synchronized Optional<IdRange> of(String uid) {
        return Optional.ofNullable(byUid.get(uid));
    }

    /**
     * Gives a pod its range, the same again if it has one; durable when this returns.
     *
     * @throws IOException also if no range is left
     */
    synchronized IdRange allocate(String uid) throws IOException {
        IdRange before = byUid.get(uid);
        if (before != null) {
            return before;
        }
        int free = taken.nextClearBit(0);
        if (free >= ranges.count()) {
            throw new IOException(
                    "give pod %s users of its own: all %d ranges of ids are taken; give the user 'kubelet' more in /etc/subuid and /etc/subgid"
                            .formatted(uid, ranges.count()));
        }
        IdRange range = ranges.range(free);
        write(uid, range);
        keep(uid, range);
        return range;
    }

    /** Frees what a pod was given; its directory is gone. */
    synchronized void release(String uid) {
        IdRange range = byUid.remove(uid);
        if (range != null) {
            mark(range, false);
            // One that was kept from another configuration may share a slot with it.
            byUid.values().forEach(other -> mark(other, true));
        }
    }

    private void write(String uid, IdRange range) throws IOException {
        String mapping = "[{\"hostId\":%d,\"containerId\":0,\"length\":%d}]".formatted(range.first(), range.length());
        String text = "{\"uidMappings\":%s,\"gidMappings\":%s}\n".formatted(mapping, mapping);
        Path directory = Files.createDirectories(pods.resolve(uid));
        Path temporary = directory.resolve(FILE + ".new");
        try (FileChannel out = FileChannel.open(
                temporary, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
            out.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
            out.force(true);
        }
        Files.move(temporary, directory.resolve(FILE), StandardCopyOption.ATOMIC_MOVE);
        try (FileChannel entry = FileChannel.open(directory, StandardOpenOption.READ)) {
            entry.force(true);
        }
    }
}

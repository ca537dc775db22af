package dev.gantry.staticpods;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Follows a directory of manifests, or a single one, from notifications and listings, and tells a listener whenever what
 * it asks for changes.
 *
 * <ul>
 *   <li>Not thread-safe: events, listings and timers come in on one serial executor.
 *   <li>A file is read when its writer has closed it or renamed it into place, never half-written.
 *   <li>A file that vanishes counts as removed only {@link #REMOVAL_SETTLE} later: editors move a file away and write
 *       it anew.
 * </ul>
 */
final class ManifestDirectory {
    /** Longer than any editor is between the two halves of a save, shorter than a person notices. */
    static final Duration REMOVAL_SETTLE = Duration.ofMillis(400);

    /** A file that appeared without being written (a link) is read after this. */
    static final Duration CREATION_SETTLE = Duration.ofMillis(200);

    /** A writer that keeps a file open is waited for this long after its last write. */
    static final Duration MAX_WRITING = Duration.ofSeconds(60);

    private static final Set<String> EXTENSIONS = Set.of("yaml", "yml", "json");

    private final Path directory;
    private final @Nullable String onlyName;
    private final ManifestSet manifests;
    private final InstantSource clock;
    private final BiConsumer<Duration, Runnable> timers;
    private final Consumer<ManifestSnapshot> listener;
    private final Map<String, Stamp> read = new HashMap<>();
    private final Map<String, Writing> writing = new HashMap<>();
    private final Set<String> vanished = new HashSet<>();
    private @Nullable ManifestSnapshot told;
    private boolean listed;

    /**
     * Makes one; {@link #list} begins.
     *
     * @param path a directory, or a manifest
     * @param revisions what earlier agents kept, and what this one keeps
     * @param timers runs a task on the serial executor after a delay
     */
    ManifestDirectory(
            Path path,
            ManifestNode node,
            KeptRevisions revisions,
            InstantSource clock,
            BiConsumer<Duration, Runnable> timers,
            Consumer<ManifestSnapshot> listener) {
        boolean single =
                !Files.isDirectory(path) && hasExtension(path.getFileName().toString());
        Path absolute = path.toAbsolutePath().normalize();
        this.directory = single && absolute.getParent() != null ? absolute.getParent() : absolute;
        this.onlyName = single ? absolute.getFileName().toString() : null;
        this.manifests = new ManifestSet(node, revisions);
        this.clock = clock;
        this.timers = timers;
        this.listener = listener;
    }

    /** What a file was when it was read: enough to see that it changed. */
    private record Stamp(
            FileTime modified, long size, @Nullable Object key) {}

    /** A file between its creation or first write and the close. */
    private record Writing(Instant since, boolean written) {}

    /** What a notification says of a file. */
    enum Change {
        CREATED,
        BEING_WRITTEN,
        COMPLETE,
        ATTRIBUTES,
        GONE
    }

    Path directory() {
        return directory;
    }

    /** Whether a name in the directory is a manifest's: no dotfile, no leftover of an editor. */
    boolean accepts(String name) {
        return onlyName != null ? name.equals(onlyName) : !name.startsWith(".") && hasExtension(name);
    }

    private static boolean hasExtension(String name) {
        int dot = name.lastIndexOf('.');
        return dot > 0 && EXTENSIONS.contains(name.substring(dot + 1).toLowerCase(Locale.ROOT));
    }

    void changed(String name, Change change) {
        if (!accepts(name)) {
            return;
        }
        switch (change) {
            case CREATED -> {
                writing.put(name, new Writing(clock.instant(), false));
                timers.accept(CREATION_SETTLE, () -> settleCreation(name));
            }
            case BEING_WRITTEN -> writing.put(name, new Writing(clock.instant(), true));
            case COMPLETE -> {
                writing.remove(name);
                read(name);
                // a file that was renamed is not yet gone under its old name: that is known soon, and told then
                if (vanished.isEmpty() || vanished.equals(Set.of(name))) {
                    tell();
                }
            }
            case ATTRIBUTES -> {
                if (!writing.containsKey(name)) {
                    read(name);
                    tell();
                }
            }
            case GONE -> {
                writing.remove(name);
                vanish(name);
            }
        }
    }

    private void settleCreation(String name) {
        Writing state = writing.get(name);
        if (state != null && !state.written()) {
            writing.remove(name);
            read(name);
            tell();
        }
    }

    private void vanish(String name) {
        if (vanished.add(name)) {
            timers.accept(REMOVAL_SETTLE, () -> {
                vanished.remove(name);
                Path file = directory.resolve(name);
                if (!Files.exists(file)) {
                    read.remove(name);
                    manifests.removed(path(name));
                    if (Files.isSymbolicLink(file)) {
                        manifests.unreadable(path(name), "is a link to a file that is not there");
                    }
                }
                tell();
            });
        }
    }

    /** Compares with what is on disk; the first call tells the listener, even of nothing. */
    void list() {
        if (told == null) {
            manifests.restore(clock.instant());
        }
        Set<String> present = new HashSet<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
            for (Path entry : entries) {
                String name = entry.getFileName().toString();
                if (accepts(name)) {
                    present.add(name);
                    if (!isBeingWritten(name)) {
                        read(name);
                    }
                }
            }
            manifests.readable(directory.toString());
        } catch (IOException e) {
            manifests.unreadable(
                    directory.toString(), "cannot list the manifests, their pods go on as they are: " + reason(e));
            tell();
            return;
        }
        Set<String> there = present.stream().map(this::path).collect(Collectors.toSet());
        for (String file : manifests.files()) {
            if (!there.contains(file)) {
                if (listed) {
                    vanish(String.valueOf(Path.of(file).getFileName()));
                } else {
                    // what vanished while no agent was there to see it has vanished for good
                    manifests.removed(file);
                }
            }
        }
        listed = true;
        tell();
    }

    private boolean isBeingWritten(String name) {
        Writing state = writing.get(name);
        if (state != null && state.since().plus(MAX_WRITING).isBefore(clock.instant())) {
            writing.remove(name);
            return false;
        }
        return state != null;
    }

    private void read(String name) {
        Path file = directory.resolve(name);
        try {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            Stamp stamp = new Stamp(attributes.lastModifiedTime(), attributes.size(), attributes.fileKey());
            if (stamp.equals(read.get(name))) {
                return;
            }
            if (!attributes.isRegularFile()) {
                if (!attributes.isDirectory()) {
                    manifests.unreadable(path(name), "not a regular file");
                }
                return;
            }
            byte[] content;
            try (InputStream in = Files.newInputStream(file)) {
                content = in.readNBytes(Syntax.Bounds.MANIFEST.bytes() + 1);
            }
            read.put(name, stamp);
            manifests.read(path(name), content, clock.instant());
        } catch (NoSuchFileException e) {
            vanish(name);
        } catch (IOException e) {
            read.remove(name);
            manifests.unreadable(path(name), "cannot be read: " + reason(e));
        }
    }

    private static String reason(IOException e) {
        String kind = e.getClass().getSimpleName().replace("Exception", "");
        return e instanceof NoSuchFileException
                ? "no such file or directory: " + e.getMessage()
                : kind + " " + e.getMessage();
    }

    private void tell() {
        ManifestSnapshot now = manifests.snapshot();
        if (!now.equals(told)) {
            told = now;
            listener.accept(now);
        }
        manifests.save();
    }

    private String path(String name) {
        return directory.resolve(name).toString();
    }
}

package dev.gantry.images.store;

import dev.gantry.images.Digest;
import dev.gantry.images.Image;
import dev.gantry.images.ImageConfig;
import dev.gantry.images.ImageException;
import dev.gantry.images.ImageReference;
import dev.gantry.images.Quoted;
import dev.gantry.images.oci.ConfigFile;
import dev.gantry.images.oci.Descriptor;
import dev.gantry.images.oci.Document;
import dev.gantry.linux.ErrnoException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** Which images are there and how they are called. Guarded by itself. */
final class ImageIndex {
    private static final Pattern HEX = Pattern.compile("[0-9a-f]{4,64}");
    private static final String NONE = "-";

    private final StoreDirectory directory;
    private final LayerStore layers;
    private final Map<Digest, Entry> images = new TreeMap<>();
    private final Map<String, Name> names = new TreeMap<>();

    private record Entry(
            Digest id, ImageConfig config, List<Digest> chains, long configBytes, boolean pinned, Instant loadedAt) {}

    /** What a name stands for; {@code target} is a manifest or index, if there is one. */
    private record Name(String name, Digest id, Optional<Digest> target) {}

    ImageIndex(StoreDirectory directory, LayerStore layers) {
        this.directory = directory;
        this.layers = layers;
    }

    // --- reading

    /** Reads the records; those of images that are not whole any more are dropped, and returned as sentences. */
    synchronized List<String> load() throws ErrnoException {
        List<String> problems = new ArrayList<>();
        for (String record : directory.names(StoreDirectory.IMAGES)) {
            try {
                Entry entry = readImage(record);
                images.put(entry.id(), entry);
            } catch (BrokenException e) {
                problems.add("image " + record + ": " + e.getMessage() + "; pull it again");
                directory.removeRecord(StoreDirectory.IMAGES, record);
            }
        }
        for (String record : directory.names(StoreDirectory.NAMES)) {
            Optional<Name> name = readName(record);
            if (name.isPresent() && images.containsKey(name.get().id())) {
                names.put(name.get().name(), name.get());
            } else {
                directory.removeRecord(StoreDirectory.NAMES, record);
            }
        }
        return problems;
    }

    private static final class BrokenException extends Exception {
        BrokenException(String message) {
            super(message);
        }
    }

    private Entry readImage(String record) throws ErrnoException, BrokenException {
        Digest id = StoreDirectory.digest(record).orElseThrow(() -> new BrokenException("is no digest"));
        String[] fields =
                directory.record(StoreDirectory.IMAGES, record).orElse("").split(" ", -1);
        byte[] config = directory.blob(id).orElseThrow(() -> new BrokenException("its config is missing or damaged"));
        try {
            Entry entry = entry(
                    id,
                    ConfigFile.parse(config, id),
                    config.length,
                    fields.length > 1 && fields[1].equals("pinned"),
                    Instant.ofEpochMilli(Long.parseLong(fields[0])));
            for (Digest chain : entry.chains()) {
                if (layers.find(chain) == null) {
                    throw new BrokenException("layer " + chain + " is missing");
                }
            }
            return entry;
        } catch (ImageException | NumberFormatException | DateTimeException e) {
            throw new BrokenException("" + e.getMessage());
        }
    }

    private static Entry entry(Digest id, ConfigFile config, long bytes, boolean pinned, Instant loadedAt) {
        return new Entry(id, config.config(), config.chainIds(), bytes, pinned, loadedAt);
    }

    private Optional<Name> readName(String record) throws ErrnoException {
        String[] fields =
                directory.record(StoreDirectory.NAMES, record).orElse("").split(" ", -1);
        try {
            return fields.length == 3 && fileName(fields[2]).equals(record)
                    ? Optional.of(new Name(
                            fields[2],
                            Digest.parse(fields[0]),
                            fields[1].equals(NONE) ? Optional.empty() : Optional.of(Digest.parse(fields[1]))))
                    : Optional.empty();
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static String fileName(String name) {
        return Digest.of(name.getBytes(StandardCharsets.UTF_8)).hex();
    }

    // --- asking

    synchronized List<Image> list() {
        return images.values().stream().map(this::image).toList();
    }

    synchronized Optional<Image> find(String nameOrId) {
        return resolve(nameOrId)
                .flatMap(id -> Optional.ofNullable(images.get(id)))
                .map(this::image);
    }

    synchronized Optional<Digest> resolve(String nameOrId) {
        Optional<Digest> named = byName(nameOrId);
        return named.isPresent() ? named : byId(nameOrId);
    }

    private Optional<Digest> byName(String text) {
        ImageReference reference;
        try {
            reference = ImageReference.parse(text);
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
        return Optional.ofNullable(names.get(key(reference))).map(Name::id);
    }

    synchronized Optional<Digest> targetOf(ImageReference reference) {
        return Optional.ofNullable(names.get(key(reference))).flatMap(Name::target);
    }

    /** A digest rules over a tag beside it. */
    private static String key(ImageReference reference) {
        return reference.digest().map(d -> reference.at(d).toString()).orElseGet(reference::toString);
    }

    private Optional<Digest> byId(String text) {
        String hex = text.startsWith("sha256:") ? text.substring(7) : text;
        if (!HEX.matcher(hex).matches()) {
            return Optional.empty();
        }
        Optional<Digest> found = Optional.empty();
        for (Digest id : images.keySet()) {
            if (id.hex().startsWith(hex)) {
                if (found.isPresent()) {
                    return Optional.empty(); // ambiguous
                }
                found = Optional.of(id);
            }
        }
        if (found.isEmpty() && hex.length() == 64) {
            Digest target = new Digest(Digest.SHA256, hex);
            for (Name name : names.values()) {
                if (name.target().filter(target::equals).isPresent()) {
                    return Optional.of(name.id());
                }
            }
        }
        return found;
    }

    private Image image(Entry entry) {
        List<String> tags = new ArrayList<>();
        List<String> digests = new ArrayList<>();
        for (Name name : names.values()) {
            if (name.id().equals(entry.id())) {
                (name.name().indexOf('@') < 0 ? tags : digests).add(name.name());
            }
        }
        long bytes = entry.configBytes();
        for (Digest chain : entry.chains()) {
            LayerStore.Layer layer = layers.find(chain);
            bytes += layer == null ? 0 : layer.usage().bytes();
        }
        return new Image(
                entry.id(), tags, digests, bytes, entry.config(), entry.chains(), entry.pinned(), entry.loadedAt());
    }

    // --- changing

    /** Takes in an image whose documents and layers are in the store. */
    synchronized Image add(Digest id, ConfigFile config, long configBytes, Instant now) throws ErrnoException {
        Entry there = images.get(id);
        if (there == null) {
            there = entry(id, config, configBytes, false, now);
            writeImage(there);
            images.put(id, there);
        }
        return image(there);
    }

    private void writeImage(Entry entry) throws ErrnoException {
        directory.putRecord(
                StoreDirectory.IMAGES,
                StoreDirectory.name(entry.id()),
                entry.loadedAt().toEpochMilli() + " " + (entry.pinned() ? "pinned" : NONE));
    }

    /** Gives an image a name, which another may lose by it. */
    synchronized void name(ImageReference reference, Digest id, Optional<Digest> target) throws ErrnoException {
        String key = key(reference);
        Name name = new Name(key, id, target);
        if (!name.equals(names.get(key))) {
            directory.putRecord(
                    StoreDirectory.NAMES,
                    fileName(key),
                    id + " " + target.map(Digest::toString).orElse(NONE) + " " + key);
            names.put(key, name);
        }
    }

    synchronized Optional<Digest> target(Digest id) {
        return names.values().stream()
                .filter(name -> name.id().equals(id))
                .flatMap(name -> name.target().stream())
                .findFirst();
    }

    /** Removes one name, and the image with its last. */
    synchronized boolean removeName(ImageReference reference) throws ErrnoException {
        Name name = names.get(key(reference));
        if (name == null) {
            return false;
        }
        List<Name> left = new ArrayList<>();
        for (Name other : names.values()) {
            if (other.id().equals(name.id()) && !other.equals(name)) {
                left.add(other);
            }
        }
        // a digest name that came with the tag does not keep the image
        boolean tagged = left.stream().anyMatch(n -> n.name().indexOf('@') < 0);
        if (left.isEmpty() || (!tagged && name.name().indexOf('@') < 0)) {
            remove(name.id());
        } else {
            directory.removeRecord(StoreDirectory.NAMES, fileName(name.name()));
            names.remove(name.name());
        }
        return true;
    }

    synchronized boolean remove(Digest id) throws ErrnoException {
        if (!images.containsKey(id)) {
            return false;
        }
        directory.removeRecord(StoreDirectory.IMAGES, StoreDirectory.name(id));
        images.remove(id);
        for (Name name : List.copyOf(names.values())) {
            if (name.id().equals(id)) {
                names.remove(name.name());
                directory.removeRecord(StoreDirectory.NAMES, fileName(name.name()));
            }
        }
        return true;
    }

    synchronized void pin(Digest id, boolean pinned) throws ErrnoException {
        Entry entry = images.get(id);
        if (entry != null && entry.pinned() != pinned) {
            Entry changed =
                    new Entry(id, entry.config(), entry.chains(), entry.configBytes(), pinned, entry.loadedAt());
            writeImage(changed);
            images.put(id, changed);
        }
    }

    // --- what is in use

    synchronized Set<Digest> usedChains() {
        Set<Digest> result = new HashSet<>();
        images.values().forEach(entry -> result.addAll(entry.chains()));
        return result;
    }

    /** Configs of images, and the documents that their names lead to. */
    synchronized Set<Digest> usedBlobs() throws ErrnoException {
        Set<Digest> result = new HashSet<>(images.keySet());
        for (Name name : names.values()) {
            if (name.target().isPresent()) {
                addDocuments(name.target().get(), result, 0);
            }
        }
        return result;
    }

    private void addDocuments(Digest digest, Set<Digest> result, int depth) throws ErrnoException {
        if (depth > Document.DEEPEST_INDEX + 1 || !result.add(digest)) {
            return;
        }
        Optional<byte[]> text = directory.blob(digest);
        if (text.isEmpty()) {
            return;
        }
        try {
            if (Document.parse(text.get(), "", digest) instanceof Document.Index index) {
                for (Descriptor manifest : index.manifests()) {
                    if (directory.hasBlob(manifest.digest())) {
                        addDocuments(manifest.digest(), result, depth + 1);
                    }
                }
            }
        } catch (ImageException e) {
            // not a document we understand: keep it, it is named
        }
    }

    /** For messages: the text of a foreign name. */
    static String quoted(String nameOrId) {
        return "'" + Quoted.cut(nameOrId) + "'";
    }
}

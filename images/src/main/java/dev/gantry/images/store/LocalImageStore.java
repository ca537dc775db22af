package dev.gantry.images.store;

import dev.gantry.images.Credentials;
import dev.gantry.images.Digest;
import dev.gantry.images.Image;
import dev.gantry.images.ImageException;
import dev.gantry.images.ImageException.Code;
import dev.gantry.images.ImageReference;
import dev.gantry.images.ImageStore;
import dev.gantry.images.Platform;
import dev.gantry.images.PullHandle;
import dev.gantry.images.PullProgress;
import dev.gantry.images.Snapshot;
import dev.gantry.images.StoreUsage;
import dev.gantry.images.archive.ImageArchive;
import dev.gantry.images.layer.LayerStream;
import dev.gantry.images.oci.ConfigFile;
import dev.gantry.images.registry.RegistryFetcher;
import dev.gantry.images.registry.RegistrySettings;
import dev.gantry.images.source.ImageFetcher;
import dev.gantry.images.source.ImageSource;
import dev.gantry.images.store.LayerStore.Layer;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.FileCalls;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The store of this node, in a directory that one process holds at a time. The package's page tells what is in it. */
public final class LocalImageStore implements ImageStore {
    private static final Logger log = LoggerFactory.getLogger(LocalImageStore.class);

    private final ImageStoreSettings settings;
    private final StoreDirectory directory;
    private final LayerStore layers;
    private final ImageIndex index;
    private final SnapshotStore snapshots;
    private final Installer installer;
    private final ImageFetcher fetcher;
    private final ArchiveDirectory archives;
    private final StoreThreads threads;
    private final InstantSource clock;
    private final List<String> problems;
    /** Held while what is in use is changed or looked at; never during a transfer. */
    private final Object change = new Object();
    /** Layers that a running installation counts on, with how many do. */
    private final Map<Digest, Integer> leases = new HashMap<>();

    private final Map<Pull.Key, Pull> pulls = new HashMap<>();
    private final ImageFetcher.Known known = new KnownDocuments();
    private final AtomicBoolean upkeepDue = new AtomicBoolean();
    private volatile boolean closed;

    private LocalImageStore(
            ImageStoreSettings settings,
            StoreDirectory directory,
            LayerStore layers,
            ImageFetcher fetcher,
            InstantSource clock)
            throws ErrnoException {
        this.settings = settings;
        this.directory = directory;
        this.layers = layers;
        this.fetcher = fetcher;
        this.clock = clock;
        this.index = new ImageIndex(directory, layers);
        this.snapshots = new SnapshotStore(directory, layers, settings.flavour());
        this.archives = new ArchiveDirectory(settings.archiveDirectory());
        this.threads = new StoreThreads(settings.parallelPulls());
        LayerStream stream =
                new LayerStream(directory.files(), settings.flavour(), settings.limits(), threads.stages());
        this.installer = new Installer(
                directory, layers, stream, threads.stages(), new Semaphore(settings.parallelLayers(), true));
        List<String> found = new ArrayList<>(layers.load());
        found.addAll(index.load());
        found.addAll(snapshots.load());
        this.problems = List.copyOf(found);
    }

    /** Opens the store of a node, which gets its images from registries. */
    public static LocalImageStore open(
            ImageStoreSettings settings, RegistrySettings registries, FileCalls files, InstantSource clock)
            throws ImageException {
        return open(settings, files, new RegistryFetcher(registries, clock), clock);
    }

    /**
     * Opens the store, makes it if it is new, and clears away what an earlier process left unfinished.
     *
     * @param fetcher where images come from that are in no archive
     */
    public static LocalImageStore open(
            ImageStoreSettings settings, FileCalls files, ImageFetcher fetcher, InstantSource clock)
            throws ImageException {
        StoreDirectory directory = StoreDirectory.open(files, settings.root());
        try {
            String bootId =
                    files.readSmallFile("/proc/sys/kernel/random/boot_id").strip();
            LayerStore layers = new LayerStore(directory, settings.flavour(), bootId);
            LocalImageStore store = new LocalImageStore(settings, directory, layers, fetcher, clock);
            store.scheduleUpkeep();
            return store;
        } catch (ErrnoException e) {
            directory.close();
            throw StoreDirectory.failed("open the image store at " + settings.root(), e);
        } catch (RuntimeException e) {
            directory.close();
            throw e;
        }
    }

    // --- pulling

    @Override
    public PullHandle pull(ImageReference reference, Credentials credentials, Platform platform) {
        return pull(new Pull.Key(reference, Optional.of(credentials).filter(c -> !c.isAnonymous()), platform));
    }

    @Override
    public PullHandle pull(ImageReference reference) {
        return pull(new Pull.Key(reference, Optional.empty(), settings.platform()));
    }

    private PullHandle pull(Pull.Key key) {
        synchronized (pulls) {
            Pull running = pulls.get(key);
            Optional<PullHandle> joined = running == null ? Optional.empty() : running.join();
            if (joined.isPresent()) {
                return joined.get();
            }
            Pull pull = new Pull(key, System::nanoTime);
            PullHandle handle = pull.join().orElseThrow();
            pulls.put(key, pull);
            try {
                threads.pulls().execute(() -> run(pull));
            } catch (RejectedExecutionException e) {
                pulls.remove(key);
                pull.fail(closedException());
            }
            return handle;
        }
    }

    @Override
    public Optional<PullHandle> watch(ImageReference reference) {
        synchronized (pulls) {
            return pulls.values().stream()
                    .filter(pull -> pull.key().reference().equals(reference))
                    .findFirst()
                    .map(Pull::watch);
        }
    }

    private ImageException closedException() {
        return new ImageException(Code.CANCELLED, "the image store at " + settings.root() + " is closed");
    }

    private void run(Pull pull) {
        Pull.Key key = pull.key();
        Thread thread = Thread.currentThread();
        Runnable interrupt = thread::interrupt;
        pull.cancellation().onCancel(interrupt);
        try {
            pull.resolving();
            Image image = fetch(pull);
            forget(pull);
            pull.succeed(image);
        } catch (InterruptedException e) {
            forget(pull);
            pull.fail(new ImageException(Code.CANCELLED, "pull " + key.reference() + ": cancelled", e));
        } catch (ImageException e) {
            forget(pull);
            pull.fail(e);
        } catch (RuntimeException | Error e) {
            forget(pull);
            pull.fail(new ImageException(Code.STORE, "pull " + key.reference() + ": unexpected " + e, e));
        } finally {
            pull.cancellation().forget(interrupt);
            pull.cancellation().cancel(); // ends what the fetcher still holds open
            Thread.interrupted(); // a late cancellation must not hit the next pull of this thread
        }
    }

    private final class KnownDocuments implements ImageFetcher.Known {
        @Override
        public Optional<Digest> target(ImageReference reference) {
            return index.targetOf(reference);
        }

        @Override
        public Optional<byte[]> document(Digest digest) {
            try {
                return directory.blob(digest);
            } catch (ErrnoException e) {
                return Optional.empty(); // then it is fetched
            }
        }
    }

    private void forget(Pull pull) {
        synchronized (pulls) {
            pulls.remove(pull.key(), pull);
        }
    }

    private Image fetch(Pull pull) throws ImageException, InterruptedException {
        Pull.Key key = pull.key();
        Optional<Path> archive = archives.find(key.reference());
        if (archive.isPresent()) {
            List<Image> loaded = load(archive.get(), key.platform(), pull);
            Optional<Image> image = index.find(key.reference().toString());
            return image.orElseGet(() -> loaded.get(0));
        }
        ImageSource source =
                fetcher.fetch(key.reference(), key.credentials(), key.platform(), known, pull.cancellation());
        return install(source, pull);
    }

    /** Layers first, then documents, then the image's record, then its names: each step leaves the store whole. */
    private Image install(ImageSource source, Pull pull) throws ImageException, InterruptedException {
        byte[] configText = source.documents().stream()
                .filter(text -> Digest.of(source.config().algorithm(), text).equals(source.config()))
                .findFirst()
                .orElseThrow();
        ConfigFile config = ConfigFile.parse(configText, source.config());
        if (!config.config().platform().os().equals("linux")) {
            throw new ImageException(
                    Code.UNSUPPORTED,
                    source.what() + ": is for " + config.config().platform() + ", not for linux");
        }
        List<Digest> chains = config.chainIds();
        lease(chains, 1);
        try {
            pull.fetching(progress(source, config, chains));
            installer.install(source, config, pull);
            pull.committing();
            return register(source, config, configText);
        } finally {
            lease(chains, -1);
            scheduleUpkeep();
        }
    }

    private List<PullProgress.Layer> progress(ImageSource source, ConfigFile config, List<Digest> chains) {
        List<PullProgress.Layer> result = new ArrayList<>();
        for (int i = 0; i < source.layers().size() && i < chains.size(); i++) {
            ImageSource.Layer layer = source.layers().get(i);
            Digest digest = layer.digest();
            result.add(new PullProgress.Layer(
                    digest == null ? config.diffIds().get(i) : digest,
                    layers.find(chains.get(i)) == null
                            ? PullProgress.Layer.State.WAITING
                            : PullProgress.Layer.State.PRESENT,
                    0,
                    Math.max(0, layer.size())));
        }
        return result;
    }

    private void lease(List<Digest> chains, int change) {
        synchronized (this.change) {
            for (Digest chain : chains) {
                leases.merge(chain, change, (a, b) -> a + b == 0 ? null : a + b);
            }
        }
    }

    private Image register(ImageSource source, ConfigFile config, byte[] configText) throws ImageException {
        synchronized (change) {
            try {
                for (byte[] document : source.documents()) {
                    Digest digest = Digest.of(document);
                    if (source.config().algorithm().equals(Digest.SHA512) && document == configText) {
                        digest = source.config();
                    }
                    if (!directory.hasBlob(digest)) {
                        directory.putBlob(digest, document);
                    }
                }
                index.add(source.config(), config, configText.length, clock.instant());
                for (ImageReference name : source.names()) {
                    if (name.tag().isPresent()) {
                        index.name(
                                new ImageReference(name.registry(), name.repository(), name.tag(), Optional.empty()),
                                source.config(),
                                source.target());
                    }
                    if (source.target().isPresent()) {
                        index.name(name.at(source.target().get()), source.config(), source.target());
                    }
                }
                return index.find(source.config().toString()).orElseThrow();
            } catch (ErrnoException e) {
                throw StoreDirectory.failed(source.what(), e);
            }
        }
    }

    // --- archives

    @Override
    public List<Image> load(Path archiveOrDirectory) throws ImageException, InterruptedException {
        ImageReference none = ImageReference.parse("archive");
        Pull pull = new Pull(new Pull.Key(none, Optional.empty(), settings.platform()), System::nanoTime);
        return load(archiveOrDirectory, settings.platform(), pull);
    }

    private List<Image> load(Path source, Platform platform, Pull pull) throws ImageException, InterruptedException {
        String temporary = null;
        try {
            temporary = directory.stage();
            try (ImageArchive archive = ImageArchive.open(source, directory.path(temporary))) {
                List<ImageSource> images = archive.images(platform);
                if (images.isEmpty()) {
                    throw new ImageException(Code.UNSUPPORTED, "load " + source + ": it has no image for " + platform);
                }
                List<Image> result = new ArrayList<>();
                for (ImageSource image : images) {
                    result.add(install(image, pull));
                }
                return result;
            }
        } catch (ImageException e) {
            throw e;
        } catch (IOException e) {
            throw StoreDirectory.failed("load " + source, e);
        } finally {
            discardQuietly(temporary);
        }
    }

    private void discardQuietly(@org.jspecify.annotations.Nullable String staged) {
        try {
            if (staged != null) {
                directory.discard("", staged);
                scheduleUpkeep();
            }
        } catch (ErrnoException e) {
            log.atDebug().setCause(e).log("Left a staging directory to the next start");
        }
    }

    // --- images

    @Override
    public Optional<Image> find(String nameOrId) {
        return index.find(nameOrId);
    }

    @Override
    public List<Image> list() {
        return index.list();
    }

    private interface Change<T> {
        T run() throws ErrnoException;
    }

    private <T> T change(String operation, Change<T> action) throws ImageException {
        synchronized (change) {
            try {
                return action.run();
            } catch (ErrnoException e) {
                throw StoreDirectory.failed(operation, e);
            }
        }
    }

    @Override
    public boolean remove(String nameOrId) throws ImageException {
        Optional<Digest> id = index.resolve(nameOrId);
        if (id.isEmpty()) {
            return false;
        }
        boolean removed = change("remove image " + ImageIndex.quoted(nameOrId), () -> index.remove(id.get()));
        collectGarbage();
        return removed;
    }

    @Override
    public boolean untag(ImageReference reference) throws ImageException {
        boolean removed = change("untag " + reference, () -> index.removeName(reference));
        collectGarbage();
        return removed;
    }

    @Override
    public void tag(String nameOrId, ImageReference name) throws ImageException {
        Digest id = resolve(nameOrId);
        change("tag " + name, () -> {
            index.name(name, id, index.target(id));
            return id;
        });
    }

    @Override
    public void pin(String nameOrId, boolean pinned) throws ImageException {
        Digest id = resolve(nameOrId);
        change("pin " + id, () -> {
            index.pin(id, pinned);
            return id;
        });
    }

    private Digest resolve(String nameOrId) throws ImageException {
        return index.resolve(nameOrId).orElseThrow(() -> unknown(nameOrId));
    }

    private static ImageException unknown(String nameOrId) {
        return new ImageException(
                Code.NOT_FOUND, "image " + ImageIndex.quoted(nameOrId) + " is not in the store; pull or load it first");
    }

    @Override
    public StoreUsage usage() {
        StoreUsage result = StoreUsage.NONE;
        for (Layer layer : layers.all()) {
            result = result.plus(layer.usage());
        }
        try {
            return result.plus(directory.measure(StoreDirectory.BLOBS));
        } catch (ErrnoException e) {
            return result;
        }
    }

    @Override
    public StoreUsage collectGarbage() throws ImageException {
        StoreUsage freed = change("collect garbage in " + settings.root(), () -> {
            Set<Digest> used = new HashSet<>(index.usedChains());
            used.addAll(leases.keySet());
            Set<String> usedNames = snapshots.usedLayers();
            StoreUsage sum = StoreUsage.NONE;
            for (Layer layer : layers.all()) {
                if (!used.contains(layer.chain()) && !usedNames.contains(layer.name())) {
                    layers.forget(layer);
                    sum = sum.plus(layer.usage());
                }
            }
            Set<Digest> blobs = index.usedBlobs();
            for (String name : directory.names(StoreDirectory.BLOBS)) {
                if (StoreDirectory.digest(name).filter(blobs::contains).isEmpty()) {
                    directory.discard(StoreDirectory.BLOBS, name);
                }
            }
            return sum;
        });
        scheduleUpkeep();
        return freed;
    }

    // --- snapshots

    @Override
    public Snapshot prepare(String containerId, Image image) throws ImageException {
        synchronized (change) {
            try {
                return snapshots.prepare(containerId, image);
            } catch (ErrnoException e) {
                throw StoreDirectory.failed("prepare the root file system of container " + containerId, e);
            }
        }
    }

    @Override
    public Optional<Snapshot> snapshot(String containerId) {
        return snapshots.find(containerId);
    }

    @Override
    public void removeSnapshot(String containerId) throws ImageException {
        boolean removed =
                change("remove the root file system of container " + containerId, () -> snapshots.remove(containerId));
        if (removed) {
            scheduleUpkeep();
        }
    }

    @Override
    public List<String> retainSnapshots(Collection<String> containerIds) throws ImageException {
        List<String> removed = change("remove snapshots of containers that are gone", () -> {
            List<String> result = new ArrayList<>();
            for (String id : snapshots.ids()) {
                if (!containerIds.contains(id)) {
                    snapshots.remove(id);
                    result.add(id);
                }
            }
            return result;
        });
        scheduleUpkeep();
        return removed;
    }

    @Override
    public List<String> problems() {
        return problems;
    }

    // --- upkeep

    /** What nobody waits for: writing layers out, deleting what is out of use. */
    private void scheduleUpkeep() {
        if (closed || !upkeepDue.compareAndSet(false, true)) {
            return;
        }
        try {
            threads.upkeep().execute(() -> {
                upkeepDue.set(false);
                upkeep();
            });
        } catch (RejectedExecutionException e) {
            upkeepDue.set(false); // closing: the next start does it
        }
    }

    private void upkeep() {
        try {
            directory.emptyTrash();
        } catch (ErrnoException | IllegalStateException e) {
            log.atDebug().setCause(e).log("Could not empty the trash, trying again later");
        }
        try {
            layers.sync();
        } catch (ErrnoException | IllegalStateException e) {
            // the marks stay: after a crash of the machine these layers are not believed
            log.atDebug().setCause(e).log("Could not write layers out, trying again later");
        }
    }

    @Override
    public void close() {
        closed = true;
        List<Pull> running;
        synchronized (pulls) {
            running = List.copyOf(pulls.values());
        }
        running.forEach(pull -> pull.cancellation().cancel());
        threads.close();
        directory.close();
    }
}

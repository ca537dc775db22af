package dev.gantry.images.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.images.Image;
import dev.gantry.images.ImageException;
import dev.gantry.images.ImageException.Code;
import dev.gantry.images.Snapshot;
import dev.gantry.linux.Errno;
import dev.gantry.linux.FileCalls;
import dev.gantry.linux.Linux;
import dev.gantry.testing.OciImages;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.TarWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Fails each single change of the file system in turn while images come and go, as a full disk does (once) and as a
 * crash does (from there on), and looks at what is left.
 */
@RequiresRoot
class StoreModelIT {
    private static final int MOST_STEPS = 5_000;

    private final FileCalls real = Linux.system().files();

    @TempDir
    Path directory;

    private Path first = Path.of("/");
    private Path second = Path.of("/");

    @BeforeEach
    void makeImages() throws IOException {
        OciImages.Image image = OciImages.image("model.test/a:1")
                .file("/etc/base", "base")
                .nextLayer()
                .entries(TarWriter.file("etc/top", "top"), TarWriter.symlink("etc/link", "top"));
        first = image.writeArchive(directory.resolve("first.tar"));
        // the same base, another top, and the tag moves
        second = OciImages.image("model.test/a:1")
                .file("/etc/base", "base")
                .nextLayer()
                .file("/etc/top", "other")
                .writeArchive(directory.resolve("second.tar"));
    }

    private LocalImageStore open(Path root, FileCalls files) throws ImageException {
        return LocalImageStore.open(
                ImageStoreSettings.of(root).withParallel(1, 1),
                files,
                (reference, credentials, platform, known, cancellation) -> {
                    throw new ImageException(Code.UNAVAILABLE, "no registry here");
                },
                InstantSource.system());
    }

    /** What a node does in its life. */
    private void live(LocalImageStore store) throws Exception {
        store.load(first);
        store.prepare("c1", store.find("model.test/a:1").orElseThrow());
        store.load(second);
        store.removeSnapshot("c1");
        store.collectGarbage();
        store.remove("model.test/a:1");
    }

    private static void expectWholeImages(LocalImageStore store) throws IOException {
        for (Image image : store.list()) {
            Snapshot snapshot = store.prepare("check", image);
            assertThat(text(snapshot, "/etc/base")).contains("base");
            assertThat(text(snapshot, "/etc/top").orElseThrow()).isIn("top", "other");
            store.removeSnapshot("check");
        }
        Optional<Snapshot> c1 = store.snapshot("c1");
        if (c1.isPresent()) {
            assertThat(text(c1.get(), "/etc/link")).contains("top");
        }
    }

    private static Optional<String> text(Snapshot snapshot, String path) throws IOException {
        return snapshot.readFile(path, 100).map(bytes -> new String(bytes, StandardCharsets.UTF_8));
    }

    private void expectNothingLeft(LocalImageStore store, Path root) throws Exception {
        for (Image image : store.list()) {
            store.remove(image.id().toString());
        }
        store.removeSnapshot("c1");
        store.collectGarbage();
        store.close();
        try (Stream<Path> all = Files.walk(root)) {
            assertThat(all.filter(p -> !p.toString().contains("/trash/"))
                            .map(p -> root.relativize(p).toString()))
                    .containsExactlyInAnyOrder(
                            "",
                            "lock",
                            "format",
                            "blobs",
                            "layers",
                            "layers/0",
                            "chains",
                            "pending",
                            "images",
                            "names",
                            "snapshots",
                            "staging",
                            "trash");
        }
    }

    @Test
    void aCrashAtAnyStepLeavesAStoreThatTheNextStartCleans() throws Exception {
        boolean reached = true;
        int steps = 0;
        for (int step = 1; reached && step < MOST_STEPS; step++) {
            steps = step;
            Path root = directory.resolve("crash" + step);
            FaultyFiles faulty = new FaultyFiles(real, step, true, Errno.EIO);
            try (LocalImageStore store = open(root, faulty.files())) {
                live(store);
            } catch (ImageException e) {
                assertThat(e.code()).isEqualTo(Code.STORE);
            }
            reached = faulty.wasReached();

            LocalImageStore after = open(root, real);
            assertThat(after.problems()).as("after a crash at step %s", step).isEmpty();
            expectWholeImages(after);
            after.load(first);
            expectWholeImages(after);
            expectNothingLeft(after, root);
            assertThat(names(root.resolve("staging"))).isZero();
            delete(root);
        }
        assertThat(steps).isBetween(80, MOST_STEPS - 1);
    }

    @Test
    void aFullDiskAtAnyStepIsAnErrorAndTheStoreGoesOn() throws Exception {
        boolean reached = true;
        for (int step = 30; reached && step < MOST_STEPS; step++) {
            Path root = directory.resolve("full" + step);
            FaultyFiles faulty = new FaultyFiles(real, step, false, Errno.ENOSPC);
            try (LocalImageStore store = open(root, faulty.files())) {
                try {
                    live(store);
                } catch (ImageException e) {
                    assertThat(e.code()).as("%s", e.getMessage()).isEqualTo(Code.NO_SPACE);
                    assertThat(e).hasMessageContaining("remove images or files, or enlarge the disk");
                }
                expectWholeImages(store);
                store.load(first);
                expectWholeImages(store);
            } catch (ImageException e) {
                assertThat(e.code()).as("at the opening, %s", e.getMessage()).isEqualTo(Code.NO_SPACE);
            }
            reached = faulty.wasReached();
            delete(root);
        }
    }

    @Test
    void layersThatMayNotHaveReachedTheDiskAreNotBelievedAfterAnotherBoot() throws Exception {
        Path root = directory.resolve("boot");
        String chain;
        try (LocalImageStore store = open(root, real)) {
            chain = store.load(first).get(0).layers().get(0).toString().replace(':', '-');
        }
        Files.createFile(root.resolve("pending").resolve("another-boot." + chain));

        try (LocalImageStore store = open(root, real)) {
            assertThat(store.find("model.test/a:1")).isEmpty();
            assertThat(store.problems()).anyMatch(p -> p.contains("may not have reached the disk"));
            store.load(first);
            expectWholeImages(store);
        }
    }

    @Test
    void damagedRecordsAndDocumentsCostOnlyTheirImage() throws Exception {
        Path root = directory.resolve("damaged");
        Image image;
        try (LocalImageStore store = open(root, real)) {
            image = store.load(first).get(0);
            store.load(
                    OciImages.image("model.test/b:1").file("/etc/base", "x").writeArchive(directory.resolve("b.tar")));
        }
        Files.writeString(
                root.resolve("blobs").resolve(image.id().toString().replace(':', '-')), "{}", StandardCharsets.UTF_8);
        Files.createSymbolicLink(root.resolve("images/sha256-zz"), Path.of("nonsense"));
        Files.createSymbolicLink(root.resolve("names/zz"), Path.of("nonsense x y"));
        Files.createSymbolicLink(root.resolve("chains/sha256-zz"), Path.of("nonsense"));

        try (LocalImageStore store = open(root, real)) {
            assertThat(store.list()).hasSize(1);
            assertThat(store.problems()).hasSize(3).anyMatch(p -> p.contains("config is missing or damaged; pull it"));
        }
    }

    private static long names(Path path) throws IOException {
        try (Stream<Path> list = Files.list(path)) {
            return list.count();
        }
    }

    private void delete(Path root) throws IOException {
        try (var parent = real.open(directory.toString(), dev.gantry.linux.Fcntl.O_RDONLY)) {
            dev.gantry.images.layer.RemovedTree.remove(real, parent, String.valueOf(root.getFileName()));
        }
    }
}

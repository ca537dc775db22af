package dev.gantry.images.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.tuple;

import com.github.luben.zstd.Zstd;
import dev.gantry.images.Image;
import dev.gantry.images.ImageException;
import dev.gantry.images.ImageException.Code;
import dev.gantry.images.ImageReference;
import dev.gantry.images.PullHandle;
import dev.gantry.images.PullProgress;
import dev.gantry.images.Snapshot;
import dev.gantry.images.registry.FakeRegistry;
import dev.gantry.images.registry.RegistrySettings;
import dev.gantry.linux.Linux;
import dev.gantry.testing.OciImages;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.TarWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@RequiresRoot
@Timeout(120)
class LocalImageStoreIT {
    @TempDir
    Path directory;

    private final FakeRegistry registry;

    LocalImageStoreIT() throws IOException {
        registry = new FakeRegistry();
    }

    @AfterEach
    void close() {
        registry.close();
    }

    private LocalImageStore open() throws ImageException {
        return open(ImageStoreSettings.of(directory.resolve("store")));
    }

    private LocalImageStore open(ImageStoreSettings settings) throws ImageException {
        return LocalImageStore.open(
                settings,
                RegistrySettings.of(Map.of()).withDockerConfigs(List.of()).withHostDirectories(List.of()),
                Linux.system().files(),
                InstantSource.system());
    }

    private ImageReference reference(String rest) {
        return ImageReference.parse(registry.authority() + "/" + rest);
    }

    private static OciImages.Image image(int seed) {
        byte[] random = new byte[300_000];
        new Random(seed).nextBytes(random);
        return OciImages.image("x").file("/base", "base").nextLayer().file("/random", random, 0644);
    }

    private static String blob(OciImages.Image image, int layer) {
        return "/blobs/" + OciImages.digest(image.layers().get(layer));
    }

    private static String read(Snapshot snapshot, String path) throws IOException {
        return new String(snapshot.readFile(path, 1000).orElseThrow(), StandardCharsets.UTF_8);
    }

    // --- pulling

    @Test
    void manyWaitersShareOnePullAndItsProgress() throws Exception {
        OciImages.Image image = image(1);
        registry.push(image, "a", "1");
        CountDownLatch go = new CountDownLatch(1);
        registry.fault("/manifests/", exchange -> {
            try {
                go.await();
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            return false;
        });
        try (LocalImageStore store = open()) {
            List<PullHandle> handles = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                handles.add(store.pull(reference("a:1")));
            }
            ConcurrentLinkedQueue<PullProgress> events = new ConcurrentLinkedQueue<>();
            handles.get(3).onProgress(events::add);
            PullHandle looker = store.watch(reference("a:1")).orElseThrow();
            go.countDown();

            for (PullHandle handle : handles) {
                assertThat(handle.await().id()).hasToString(image.id());
            }

            assertThat(registry.requests().stream().filter(r -> r.contains("manifests")))
                    .hasSize(1);
            PullProgress last = handles.get(3).progress();
            assertThat(last.phase()).isEqualTo(PullProgress.Phase.DONE);
            assertThat(last.layersDone()).isEqualTo(2);
            assertThat(last.bytesDone())
                    .isEqualTo(last.bytesTotal())
                    .isEqualTo(image.layers().stream().mapToLong(l -> l.length).sum());
            assertThat(events).extracting(PullProgress::phase).contains(PullProgress.Phase.FETCHING);
            assertThat(looker.await().id()).hasToString(image.id());
            assertThat(store.watch(reference("a:1"))).isEmpty();
            assertThat(last.layers())
                    .extracting(PullProgress.Layer::state, PullProgress.Layer::bytesDone)
                    .containsExactly(
                            tuple(PullProgress.Layer.State.DONE, (long)
                                    image.layers().get(0).length),
                            tuple(PullProgress.Layer.State.DONE, (long)
                                    image.layers().get(1).length));
            assertThat(last.layers())
                    .extracting(layer -> layer.digest().toString())
                    .containsExactlyElementsOf(
                            image.layers().stream().map(OciImages::digest).toList());
        }
    }

    @Test
    void whoOnlyLooksKeepsNoPullAlive() throws Exception {
        registry.push(image(1), "a", "1");
        registry.always("/manifests/", registry.hang());
        try (LocalImageStore store = open()) {
            PullHandle pull = store.pull(reference("a:1"));
            PullHandle looker = store.watch(reference("a:1")).orElseThrow();
            store.watch(reference("a:1")).orElseThrow().cancel();
            assertThat(pull.result()).isNotDone();

            pull.cancel();

            assertThatExceptionOfType(ImageException.class).isThrownBy(looker::await);
        }
    }

    @Test
    void imagesShareTheirLayers() throws Exception {
        registry.push(image(1), "a", "1").push(image(2), "b", "1");
        try (LocalImageStore store = open()) {
            PullHandle first = store.pull(reference("a:1"));
            PullHandle second = store.pull(reference("b:1"));

            assertThat(first.await().layers().get(0))
                    .isEqualTo(second.await().layers().get(0));

            assertThat(registry.requests().stream().filter(r -> r.contains(blob(image(1), 0))))
                    .hasSize(1);
            assertThat(list("layers")).hasSize(4);
        }
    }

    @Test
    void theLastWaiterThatGoesStopsTheTransfer() throws Exception {
        OciImages.Image image = image(1);
        CountDownLatch hanging = new CountDownLatch(1);
        registry.push(image, "a", "1").fault(blob(image, 1), exchange -> {
            hanging.countDown();
            return registry.hang().handle(exchange);
        });
        try (LocalImageStore store = open()) {
            PullHandle first = store.pull(reference("a:1"));
            PullHandle second = store.pull(reference("a:1"));
            hanging.await();

            first.cancel();
            assertThat(second.result()).isNotDone();
            second.cancel();

            assertThat(catchThrowableOfType(ImageException.class, second::await).code())
                    .isEqualTo(Code.CANCELLED);
            assertThat(store.pull(reference("a:1")).await().layers()).hasSize(2);
        }
    }

    @Test
    void aLayerThatIsNotWhatItsManifestSaysLeavesNothingBehind() throws Exception {
        OciImages.Image image = image(1);
        byte[] damaged = image.layers().get(1);
        damaged[damaged.length / 2] ^= 1;
        byte[] longer = java.util.Arrays.copyOf(image.layers().get(1), damaged.length + 1);
        registry.push(image, "a", "1");
        try (LocalImageStore store = open()) {
            for (byte[] wrong : List.of(damaged, longer, "not a layer at all".getBytes(StandardCharsets.UTF_8))) {
                registry.fault(blob(image, 1), FakeRegistry.body(wrong));
                ImageException e = catchThrowableOfType(
                        ImageException.class, () -> store.pull(reference("a:1")).await());

                assertThat(e).hasMessageStartingWith("pull " + reference("a:1") + ": layer sha256:");
                assertThat(e.code()).isEqualTo(Code.DIGEST_MISMATCH);
                assertThat(store.find(reference("a:1").toString())).isEmpty();
                assertThat(list("staging")).isEmpty();
            }
        }
    }

    @Test
    void aLayerWhoseTarIsNotTheConfigsIsRefused() throws Exception {
        byte[] promised = new TarWriter().add(TarWriter.file("a", "x")).finish();
        byte[] sent = new TarWriter().add(TarWriter.file("a", "y")).finish();
        OciImages.Image image = OciImages.image("x").layer(promised, sent, OciImages.LAYER);
        registry.push(image, "a", "1");
        try (LocalImageStore store = open()) {
            ImageException e = catchThrowableOfType(
                    ImageException.class, () -> store.pull(reference("a:1")).await());

            assertThat(e.code()).isEqualTo(Code.DIGEST_MISMATCH);
            assertThat(e).hasMessageContaining("uncompressed, the image's config says");
        }
    }

    @Test
    void aTagThatMovesLeavesTheOldImageItsDigest() throws Exception {
        registry.push(image(1), "a", "1");
        try (LocalImageStore store = open()) {
            Image old = store.pull(reference("a:1")).await();
            registry.push(image(2), "a", "1");

            Image present = store.pull(reference("a:1")).await();

            assertThat(present.id()).isNotEqualTo(old.id());
            assertThat(store.find(reference("a:1").toString())).map(Image::id).contains(present.id());
            assertThat(store.find(old.id().toString()).orElseThrow().repoTags()).isEmpty();
            assertThat(store.find(old.repoDigests().get(0))).map(Image::id).contains(old.id());
        }
    }

    // --- bombs

    @Test
    void bombsAreRefusedEarly() throws Exception {
        byte[] tar =
                new TarWriter().add(TarWriter.file("zeros", new byte[8 << 20])).finish();
        OciImages.Image image = OciImages.image("x").layer(tar, Zstd.compress(tar), OciImages.LAYER + "+zstd");
        registry.push(image, "a", "1");
        var limits =
                new dev.gantry.images.layer.LayerLimits(100, 4096, 100, 1000, 1000, 1 << 30, 1 << 30, 1 << 20, 100);
        try (LocalImageStore store =
                open(ImageStoreSettings.of(directory.resolve("store")).withLimits(limits))) {
            ImageException e = catchThrowableOfType(
                    ImageException.class, () -> store.pull(reference("a:1")).await());

            assertThat(e.code()).isEqualTo(Code.INVALID_IMAGE);
            assertThat(e).hasMessageContaining("a decompression bomb");
        }
    }

    // --- archives

    @Test
    void archivesOfAllKindsAreLoaded() throws Exception {
        OciImages.Image image = OciImages.image("demo.test/a:1").file("/f", "content");
        List<Path> sources = List.of(
                image.writeArchive(directory.resolve("oci.tar")),
                image.writeLayout(directory.resolve("layout")),
                Files.write(directory.resolve("oci.tar.gz"), OciImages.gzip(image.archive())),
                Files.write(directory.resolve("oci.tar.zst"), Zstd.compress(image.archive())),
                Files.write(directory.resolve("docker.tar"), image.dockerArchive()));
        for (Path source : sources) {
            try (LocalImageStore store = open()) {
                assertThat(store.load(source))
                        .extracting(i -> i.id().toString())
                        .containsExactly(image.id());
                Image found = store.find("demo.test/a:1").orElseThrow();
                assertThat(read(store.prepare("c", found), "/f")).isEqualTo("content");
                assertThat(store.remove("demo.test/a:1")).isTrue();
                store.removeSnapshot("c");
            }
        }
    }

    @Test
    void whatIsNoArchiveSaysSo() throws Exception {
        Path nonsense = Files.writeString(directory.resolve("x.tar"), "nonsense");
        Path other = OciImages.image("x:1")
                .platform("windows", "amd64")
                .file("/x", "")
                .writeArchive(directory.resolve("windows.tar"));
        try (LocalImageStore store = open()) {
            assertThatExceptionOfType(ImageException.class)
                    .isThrownBy(() -> store.load(nonsense))
                    .withMessageContaining("load " + nonsense);
            assertThatExceptionOfType(ImageException.class)
                    .isThrownBy(() -> store.load(directory.resolve("missing")))
                    .withMessageContaining("no such file");
            assertThatExceptionOfType(ImageException.class)
                    .isThrownBy(() -> store.load(Files.createDirectory(directory.resolve("empty"))))
                    .withMessageContaining("neither an OCI layout");
            assertThatExceptionOfType(ImageException.class)
                    .isThrownBy(() -> store.load(other))
                    .withMessageContaining("is for windows/amd64");
        }
    }

    @Test
    void theArchiveDirectoryComesBeforeAnyRegistry() throws Exception {
        Path archives = Files.createDirectory(directory.resolve("archives"));
        OciImages.image("localhost:1/demo:1").file("/f", "x").writeArchive(archives.resolve("demo.tar"));
        Files.writeString(archives.resolve("broken.tar"), "nonsense");
        try (LocalImageStore store =
                open(ImageStoreSettings.of(directory.resolve("store")).withArchiveDirectory(archives))) {
            assertThat(store.pull(ImageReference.parse("localhost:1/demo:1"))
                            .await()
                            .repoTags())
                    .containsExactly("localhost:1/demo:1");
            assertThatExceptionOfType(ImageException.class)
                    .isThrownBy(() -> store.pull(ImageReference.parse("localhost:1/demo:2"))
                            .await())
                    .withMessageContaining("cannot be reached");
        }
    }

    // --- names, garbage, snapshots

    @Test
    void anImageIsFoundByNameIdAndDigest() throws Exception {
        OciImages.Image image = OciImages.image("demo.test/a:1").file("/f", "x");
        try (LocalImageStore store = open()) {
            store.load(image.writeArchive(directory.resolve("a.tar")));
            String id = image.id();

            for (String name : List.of(
                    "demo.test/a:1",
                    id,
                    id.substring(7),
                    id.substring(7, 19),
                    "demo.test/a@" + OciImages.digest(image.manifest()),
                    OciImages.digest(image.manifest()))) {
                assertThat(store.find(name)).as(name).isPresent();
            }
            assertThat(store.find("demo.test/a:2")).isEmpty();
            assertThat(store.find("not a name")).isEmpty();

            store.tag(id, ImageReference.parse("other:2"));
            assertThat(store.untag(ImageReference.parse("demo.test/a:1"))).isTrue();
            assertThat(store.find("other:2")).isPresent();
            assertThat(store.untag(ImageReference.parse("other:2"))).isTrue();
            assertThat(store.list()).isEmpty();
        }
    }

    @Test
    void layersStayWhileAContainerUsesThem() throws Exception {
        try (LocalImageStore store = open()) {
            Image image = store.load(
                            OciImages.image("demo.test/a:1").file("/f", "x").writeArchive(directory.resolve("a.tar")))
                    .get(0);
            store.pin("demo.test/a:1", true);
            assertThat(store.find("demo.test/a:1").orElseThrow().pinned()).isTrue();
            Snapshot snapshot = store.prepare("c", image);
            assertThat(store.prepare("c", image)).isSameAs(snapshot);

            store.remove("demo.test/a:1");
            assertThat(read(snapshot, "/f")).isEqualTo("x");
            assertThat(store.retainSnapshots(List.of("c"))).isEmpty();
            assertThat(store.retainSnapshots(List.of())).containsExactly("c");
            store.collectGarbage();

            assertThat(list("layers")).containsExactly("0");
            assertThatExceptionOfType(ImageException.class)
                    .isThrownBy(() -> store.prepare("d", image))
                    .withMessageContaining("has been removed from the store");
        }
    }

    @Test
    void aStoreBelongsToOneProcess() throws Exception {
        try (LocalImageStore store = open()) {
            assertThat(store.list()).isEmpty();
            ImageException e = catchThrowableOfType(ImageException.class, this::open);

            assertThat(e.code()).isEqualTo(Code.LOCKED);
            assertThat(e).hasMessageContaining("--root");
        }
    }

    @Test
    void directoriesThatALayerPassesThroughLookAsBelow() throws Exception {
        Path archive = OciImages.image("demo.test/a:1")
                .entries(
                        TarWriter.directory("./").mode(0711),
                        TarWriter.directory("home/").mode(0750).owner(5, 6),
                        TarWriter.directory("home/u/").mode(0700).owner(1000, 1000))
                .nextLayer()
                .file("/home/u/f", "x")
                .writeArchive(directory.resolve("a.tar"));
        try (LocalImageStore store = open()) {
            Image image = store.load(archive).get(0);
            Snapshot snapshot = store.prepare("c", image);

            var files = Linux.system().files();
            String top = snapshot.linkDir().resolve(snapshot.lowerDirs().get(0)).toString();
            assertThat(files.lstat(top + "/home/u").permissions()).isEqualTo(0700);
            assertThat(files.lstat(top + "/home/u").uid()).isEqualTo(1000);
            assertThat(files.lstat(top + "/home").permissions()).isEqualTo(0750);
            assertThat(files.lstat(snapshot.upperDir().toString()).permissions())
                    .isEqualTo(0711);
        }
    }

    @Test
    void snapshotsOfManyLayersAndOfNoneCanBeMounted() throws Exception {
        OciImages.Image many = OciImages.image("demo.test/many:1").uncompressed();
        for (int i = 0; i < 150; i++) {
            many.file("/f" + i, "" + i).nextLayer();
        }
        OciImages.Image none = OciImages.image("demo.test/none:1");
        try (LocalImageStore store = open()) {
            Image image =
                    store.load(many.writeArchive(directory.resolve("many.tar"))).get(0);
            Image empty =
                    store.load(none.writeArchive(directory.resolve("none.tar"))).get(0);

            assertThat(mounted(store.prepare("c1", image))).hasSize(150);
            assertThat(mounted(store.prepare("c2", empty))).isEmpty();
        }
    }

    /** As the runtime does it: relative names, in the directory of the layers. */
    private List<String> mounted(Snapshot snapshot) throws Exception {
        Path merged = Files.createDirectories(directory.resolve("merged"));
        Linux linux = Linux.system();
        String options = snapshot.mountOptions();
        assertThat(options.length()).isLessThan(4096);
        ProcessBuilder builder = new ProcessBuilder(
                        "unshare",
                        "-m",
                        "--propagation",
                        "private",
                        "sh",
                        "-c",
                        "mount -t overlay overlay -o " + options + " " + merged + " && ls -A " + merged)
                .directory(snapshot.linkDir().toFile())
                .redirectErrorStream(true);
        // With fsconfig(2), which newer ones use, no option is longer than 255 bytes.
        builder.environment().put("LIBMOUNT_FORCE_MOUNT2", "always");
        Process process = builder.start();
        List<String> lines = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                .lines()
                .toList();
        assertThat(process.waitFor()).as("%s", lines).isZero();
        assertThat(linux.mounts().mountInfo()).noneMatch(m -> m.toString().contains(merged.toString()));
        return lines;
    }

    private List<String> list(String name) throws IOException {
        try (var list = Files.list(directory.resolve("store").resolve(name))) {
            return list.map(p -> String.valueOf(p.getFileName())).sorted().toList();
        }
    }
}

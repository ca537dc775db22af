package dev.gantry.images.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.images.Image;
import dev.gantry.images.ImageException;
import dev.gantry.images.ImageReference;
import dev.gantry.images.Snapshot;
import dev.gantry.linux.Linux;
import dev.gantry.linux.MountFlags;
import dev.gantry.linux.Sched;
import dev.gantry.testing.OciImages;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.TarWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@RequiresRoot
class ArchiveLoadIT {
    @TempDir
    Path directory;

    private LocalImageStore open() throws ImageException {
        return LocalImageStore.open(
                ImageStoreSettings.of(directory.resolve("store")),
                Linux.system().files(),
                (reference, credentials, platform, known, cancellation) -> {
                    throw new ImageException(ImageException.Code.UNAVAILABLE, "no registry here");
                },
                InstantSource.system());
    }

    @Test
    void anOciArchiveIsLoadedAndMountedAsOverlayShowsIt() throws Exception {
        Path archive = OciImages.image("example.test/demo:1")
                .file("/etc/passwd", "root:x:0:0::/:/bin/sh\n")
                .file("/etc/gone", "")
                .file("/dir/old", "")
                .nextLayer()
                .entries(TarWriter.file("etc/.wh.gone", ""), TarWriter.file("dir/.wh..wh..opq", ""))
                .file("/dir/new", "new")
                .writeArchive(directory.resolve("demo.tar"));
        try (LocalImageStore store = open()) {
            List<Image> loaded = store.load(archive);
            assertThat(loaded).hasSize(1);
            Image image = store.find("example.test/demo:1").orElseThrow();
            Snapshot snapshot = store.prepare("c1", image);

            assertThat(snapshot.readFile("/etc/passwd", 100)).isPresent();
            assertThat(snapshot.readFile("/etc/gone", 100)).isEmpty();
            assertThat(snapshot.readFile("/dir/old", 100)).isEmpty();
            assertThat(mounted(snapshot)).containsExactlyInAnyOrder("dir", "dir/new", "etc", "etc/passwd");
        }
        try (LocalImageStore store = open()) {
            assertThat(store.problems()).isEmpty();
            assertThat(store.snapshot("c1")).isPresent();
            assertThat(store.find(ImageReference.parse("example.test/demo:1").toString()))
                    .isPresent();
        }
    }

    private List<String> mounted(Snapshot snapshot) throws Exception {
        Path merged = Files.createDirectory(directory.resolve("merged"));
        Linux linux = Linux.system();
        return linux.namespaces().onFreshThread("overlay-test", () -> {
            linux.namespaces().unshare(Sched.CLONE_FS | Sched.CLONE_NEWNS);
            linux.mounts().mount(null, "/", null, MountFlags.MS_REC | MountFlags.MS_PRIVATE, null);
            String options = "lowerdir="
                    + String.join(
                            ":",
                            snapshot.lowerDirs().stream()
                                    .map(l -> snapshot.linkDir().resolve(l).toString())
                                    .toList())
                    + ",upperdir=" + snapshot.upperDir() + ",workdir=" + snapshot.workDir();
            linux.mounts().mount("overlay", merged.toString(), "overlay", 0, options);
            try (var paths = Files.walk(merged)) {
                return paths.filter(p -> !p.equals(merged))
                        .map(p -> merged.relativize(p).toString())
                        .toList();
            }
        });
    }
}

package dev.gantry.staticpods;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.linux.EventLoop;
import dev.gantry.linux.Linux;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.InstantSource;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With real notifications of the kernel; waits for them, never for time. */
class ManifestWatcherTest {
    private static final String MANIFEST = """
            apiVersion: v1
            kind: Pod
            metadata: {name: web}
            spec:
              containers: [{name: main, image: busybox}]
            """;

    @TempDir
    Path directory;

    @Test
    void filesAreFollowedAsTheyAreWrittenReplacedAndRemoved() throws Exception {
        BlockingQueue<ManifestSnapshot> told = new LinkedBlockingQueue<>();
        ExecutorService serial = Executors.newSingleThreadExecutor();
        try (EventLoop loop = EventLoop.start(Linux.system(), "test", (name, error) -> {});
                ManifestWatcher watcher = ManifestWatcher.start(
                        Linux.system(),
                        loop,
                        serial,
                        directory,
                        ManifestNode.of("node-1"),
                        new NothingKept(),
                        InstantSource.system(),
                        told::add)) {
            assertThat(next(told).pods()).isEmpty();

            try (Writer out = Files.newBufferedWriter(directory.resolve("web.yaml"))) {
                out.write(MANIFEST.substring(0, 30));
                out.flush();
                out.write(MANIFEST.substring(30));
            }
            String uid = onlyUid(next(told));

            Files.writeString(directory.resolve(".new"), MANIFEST.replace("busybox", "nginx"));
            Files.move(directory.resolve(".new"), directory.resolve("web.yaml"), StandardCopyOption.ATOMIC_MOVE);
            assertThat(onlyUid(next(told))).isNotEqualTo(uid);

            Files.writeString(directory.resolve("web.yaml"), "kind: [");
            assertThat(next(told).problems()).hasSize(1);

            Files.delete(directory.resolve("web.yaml"));
            assertThat(next(told)).isEqualTo(ManifestSnapshot.EMPTY);
            assertThat(watcher).isNotNull();
        } finally {
            serial.shutdownNow();
        }
    }

    private static String onlyUid(ManifestSnapshot snapshot) {
        assertThat(snapshot.problems()).isEmpty();
        assertThat(snapshot.pods()).hasSize(1);
        return snapshot.pods().get(0).getMetadata().getUid();
    }

    private static ManifestSnapshot next(BlockingQueue<ManifestSnapshot> told) throws InterruptedException {
        ManifestSnapshot snapshot = told.poll(20, TimeUnit.SECONDS);
        assertThat(snapshot).as("a change was told within 20 s").isNotNull();
        return java.util.Objects.requireNonNull(snapshot);
    }
}

package dev.gantry.images.store;

import dev.gantry.images.ImageReference;
import dev.gantry.images.registry.RegistrySettings;
import dev.gantry.linux.Linux;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Map;
import java.util.Set;

/** By hand: {@code PullSpeed <store> <reference>…} prints the seconds of each pull. */
final class PullSpeed {
    private PullSpeed() {}

    public static void main(String[] arguments) throws Exception {
        long opened = System.nanoTime();
        try (LocalImageStore store = LocalImageStore.open(
                ImageStoreSettings.of(Path.of(arguments[0])),
                RegistrySettings.of(Map.of()).withPlainHttp(Set.of()),
                Linux.system().files(),
                InstantSource.system())) {
            System.out.printf("open %.3f s%n", (System.nanoTime() - opened) / 1e9);
            for (int i = 1; i < arguments.length; i++) {
                long start = System.nanoTime();
                long bytes =
                        store.pull(ImageReference.parse(arguments[i])).await().sizeBytes();
                double seconds = (System.nanoTime() - start) / 1e9;
                System.out.printf("%s %.3f s %.0f MB/s unpacked%n", arguments[i], seconds, bytes / seconds / 1e6);
            }
        }
    }
}

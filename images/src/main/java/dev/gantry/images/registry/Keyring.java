package dev.gantry.images.registry;

import dev.gantry.images.Credentials;
import dev.gantry.images.ImageException;
import dev.gantry.images.ImageException.Code;
import dev.gantry.images.ImageReference;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The credentials of the node's configuration; files and helpers are asked anew for each pull. */
final class Keyring {
    private static final int LARGEST = 1 << 20;

    private final List<Path> configs;
    private final CredentialHelper helper;

    Keyring(List<Path> configs, CredentialHelper helper) {
        this.configs = configs;
        this.helper = helper;
    }

    /** What to try for this image, in this order; at last nothing at all. */
    List<Credentials> candidates(ImageReference reference) throws ImageException, InterruptedException {
        List<Credentials> result = new ArrayList<>();
        for (Path file : configs) {
            Optional<DockerConfig> config = read(file);
            if (config.isPresent()) {
                Optional<Map.Entry<String, String>> asked = config.get().helper(reference);
                if (asked.isPresent()) {
                    helper.get(asked.get().getKey(), asked.get().getValue()).ifPresent(result::add);
                }
                result.addAll(config.get().matches(reference));
            }
        }
        result.add(Credentials.anonymous());
        return result.stream().distinct().toList();
    }

    private static Optional<DockerConfig> read(Path file) throws ImageException {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] text = in.readNBytes(LARGEST + 1);
            if (text.length > LARGEST) {
                throw new IOException("larger than " + LARGEST + " bytes");
            }
            return Optional.of(DockerConfig.parse(text, file.toString()));
        } catch (NoSuchFileException | NotDirectoryException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new ImageException(
                    Code.UNAUTHORIZED,
                    "read credentials from " + file + ": " + e.getMessage() + "; correct the file or remove it",
                    e);
        }
    }
}

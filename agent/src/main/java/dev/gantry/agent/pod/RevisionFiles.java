package dev.gantry.agent.pod;

import dev.gantry.linux.Linux;
import dev.gantry.staticpods.KeptRevisions;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The last good revisions of manifests, a file for each in a directory of the agent's own: a line with the digest of all that
 * follows, a line with the manifest's path, the manifest. Nothing is forced to the disk: what a crash of the machine leaves half written
 * has another digest and counts for nothing. Manifests may hold secrets: only the owner can read the files.
 */
public final class RevisionFiles implements KeptRevisions {
    private static final Logger log = LoggerFactory.getLogger(RevisionFiles.class);
    private static final int DIGEST_CHARS = 64;
    private static final int OWNER_ONLY = 0600;

    private final Path directory;

    /** In this directory, which is made when it is needed. */
    public RevisionFiles(Path directory) {
        this.directory = directory;
    }

    @Override
    public Map<String, byte[]> load() {
        Map<String, byte[]> revisions = new HashMap<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                load(file, revisions);
            }
        } catch (NoSuchFileException e) {
            // The first start.
        } catch (IOException e) {
            log.atError()
                    .addKeyValue("path", directory)
                    .setCause(e)
                    .log("Could not list the last good revisions of manifests, going on without");
        }
        return revisions;
    }

    private static void load(Path file, Map<String, byte[]> revisions) throws IOException {
        byte[] content = Files.readAllBytes(file);
        int end = DIGEST_CHARS + 1;
        while (end < content.length && content[end] != '\n') {
            end++;
        }
        boolean whole = end < content.length
                && digest(Arrays.copyOfRange(content, DIGEST_CHARS + 1, content.length))
                        .equals(new String(content, 0, DIGEST_CHARS, StandardCharsets.US_ASCII));
        if (whole) {
            String manifest = new String(content, DIGEST_CHARS + 1, end - DIGEST_CHARS - 1, StandardCharsets.UTF_8);
            revisions.put(manifest, Arrays.copyOfRange(content, end + 1, content.length));
        } else {
            Files.deleteIfExists(file);
        }
    }

    @Override
    public void keep(String file, byte[] content) {
        Path target = target(file);
        ByteArrayOutputStream body = new ByteArrayOutputStream(content.length + file.length() + 1);
        body.writeBytes((file + "\n").getBytes(StandardCharsets.UTF_8));
        body.writeBytes(content);
        ByteArrayOutputStream text = new ByteArrayOutputStream(body.size() + DIGEST_CHARS + 1);
        text.writeBytes((digest(body.toByteArray()) + "\n").getBytes(StandardCharsets.US_ASCII));
        text.writeBytes(body.toByteArray());
        try {
            Files.createDirectories(directory);
            Linux.system().files().replaceFile(target.toString(), text.toByteArray(), OWNER_ONLY, false);
        } catch (IOException e) {
            log.atWarn()
                    .addKeyValue("path", file)
                    .setCause(e)
                    .log(
                            "Could not keep the revision of a manifest: should the manifest be broken when the agent starts again,"
                                    + " its pods end");
        }
    }

    @Override
    public void forget(String file) {
        try {
            Files.deleteIfExists(target(file));
        } catch (IOException e) {
            log.atWarn().addKeyValue("path", file).setCause(e).log("Could not remove the kept revision of a manifest");
        }
    }

    /** A path may be longer than a name. */
    private Path target(String file) {
        return directory.resolve(digest(file.getBytes(StandardCharsets.UTF_8)));
    }

    private static String digest(byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JVM has SHA-256", e);
        }
    }
}

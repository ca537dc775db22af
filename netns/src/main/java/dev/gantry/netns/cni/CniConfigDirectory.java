package dev.gantry.netns.cni;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * {@code /etc/cni/net.d}: of the usable lists in it, the lexically first counts, as for the kubelet's runtimes. It is read again
 * whenever it is asked for, so that a list counts from the moment it is there.
 *
 * <p>A list that cannot be read any more, because it is just being written or was edited wrongly, goes on counting as it was.
 */
final class CniConfigDirectory {
    private static final int MAX_BYTES = 1 << 20;
    private static final int MAX_FILES = 256;

    private final Path directory;
    private @Nullable Path fileInForce;
    private @Nullable CniNetworkList listInForce;

    CniConfigDirectory(Path directory) {
        this.directory = directory;
    }

    /**
     * What the directory holds now.
     *
     * @param network the list in force, if there is a usable one
     * @param problems a line for each file before it that cannot be used; without a list, at least one
     */
    record Content(Optional<CniNetworkList> network, List<String> problems) {
        Content {
            problems = List.copyOf(problems);
        }
    }

    /** Reads the directory; one that does not exist is empty. */
    synchronized Content read() {
        List<String> problems = new ArrayList<>();
        Path before = fileInForce;
        CniNetworkList good = listInForce;
        fileInForce = null;
        listInForce = null;
        for (Path file : files(problems)) {
            try {
                return inForce(file, parse(file), problems);
            } catch (CniException e) {
                problems.add(e.getMessage());
            } catch (IOException e) {
                problems.add("read %s: %s".formatted(file, e));
            }
            if (file.equals(before) && good != null) {
                return inForce(file, good, problems);
            }
        }
        if (problems.isEmpty()) {
            problems.add("no network configuration in " + directory);
        }
        return new Content(Optional.empty(), problems);
    }

    private Content inForce(Path file, CniNetworkList list, List<String> problems) {
        fileInForce = file;
        listInForce = list;
        return new Content(Optional.of(list), problems);
    }

    private CniNetworkList parse(Path file) throws IOException {
        CniNetworkList list = CniNetworkList.parse(file.toString(), bytes(file));
        if (list.loadOnlyInlinedPlugins()) {
            return list;
        }
        // Directories of plugins were added by specification 1.1: each file is one more plugin of the chain.
        List<String> problems = new ArrayList<>();
        Path plugins = directory.resolve(list.name());
        for (Path plugin : Files.isDirectory(plugins) ? files(plugins, "*.conf", problems) : List.<Path>of()) {
            list = list.with(plugin.toString(), bytes(plugin));
        }
        if (!problems.isEmpty()) {
            throw new CniException(CniException.NO_CODE, problems.get(0));
        }
        return list.checked(file.toString());
    }

    private static byte[] bytes(Path file) throws IOException {
        try (var in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(MAX_BYTES + 1);
            if (bytes.length > MAX_BYTES) {
                throw new CniException(CniException.NO_CODE, "%s: larger than %d bytes".formatted(file, MAX_BYTES));
            }
            return bytes;
        }
    }

    private List<Path> files(List<String> problems) {
        return files(directory, "*.{conflist,conf,json}", problems);
    }

    private static List<Path> files(Path directory, String names, List<String> problems) {
        List<Path> files = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory, names)) {
            for (Path entry : entries) {
                if (Files.isRegularFile(entry) && files.size() < MAX_FILES) {
                    files.add(entry);
                }
            }
        } catch (NoSuchFileException e) {
            problems.add(directory + ": no such directory");
        } catch (NotDirectoryException e) {
            problems.add(directory + ": not a directory");
        } catch (IOException e) {
            problems.add("list %s: %s".formatted(directory, e));
        }
        files.sort(Comparator.comparing(file -> file.getFileName().toString()));
        return files;
    }
}

package dev.gantry.packaging;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * Takes the native parts of the libraries out of their jars, so that no start has to unpack them into a temporary
 * folder (which may be mounted noexec).
 */
final class NativeLibraries {
    private final Pattern wanted;

    /** @param osArch the machine's name as {@code os.arch} spells it */
    NativeLibraries(String osArch) {
        boolean arm = osArch.equals("aarch64");
        this.wanted = Pattern.compile(String.join(
                "|",
                "com/sun/jna/linux-" + (arm ? "aarch64" : "x86-64") + "/libjnidispatch\\.so",
                "jni/" + (arm ? "aarch64" : "x86_64") + "-Linux/libjffi-[0-9.]+\\.so",
                "META-INF/native/libnetty_transport_native_epoll_" + (arm ? "aarch_64" : "x86_64") + "\\.so",
                "linux/" + (arm ? "aarch64" : "amd64") + "/libzstd-jni-[0-9.-]+\\.so"));
    }

    /** Copies the libraries for this machine out of the jars of a folder. Returns their names. */
    List<String> extract(Path jars, Path target) throws IOException {
        Files.createDirectories(target);
        List<Path> files;
        try (Stream<Path> all = Files.list(jars)) {
            files = all.filter(file -> file.toString().endsWith(".jar"))
                    .sorted()
                    .toList();
        }
        List<String> names = new ArrayList<>();
        for (Path file : files) {
            try (ZipFile jar = new ZipFile(file.toFile())) {
                List<? extends ZipEntry> entries = jar.stream()
                        .filter(entry -> wanted.matcher(entry.getName()).matches())
                        .toList();
                for (ZipEntry entry : entries) {
                    String name = entry.getName().substring(entry.getName().lastIndexOf('/') + 1);
                    try (InputStream in = jar.getInputStream(entry)) {
                        Files.copy(in, target.resolve(name), StandardCopyOption.REPLACE_EXISTING);
                    }
                    names.add(name);
                }
            }
        }
        return names;
    }
}

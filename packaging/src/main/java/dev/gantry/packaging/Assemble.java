package dev.gantry.packaging;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Stream;

/** Puts the installation together in {@code packaging/target/gantry}. */
public final class Assemble {
    private Assemble() {}

    /**
     * Fills the folder; what was in it is brought up to date.
     *
     * @param arguments the folder of this module, the folder to fill, the class path of the agent
     */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Path module = Path.of(arguments[0]);
        Path target = Path.of(arguments[1]);
        Path lib = target.resolve("lib");
        copyJars(arguments[2].split(File.pathSeparator), lib);
        copyTree(module.resolveSibling("examples"), target.resolve("share/examples"));
        new NativeLibraries(System.getProperty("os.arch")).extract(lib, lib.resolve("native"));
        Path image = target.resolve("share/images/gantry-demo-1.tar");
        Files.createDirectories(image.getParent());
        byte[] program = Files.readAllBytes(module.resolve("src/main/demo/demo"));
        Files.write(image, DemoImage.create(DemoImage.NAME, program).tar());
        // The launcher comes last: what sees a new launcher sees a complete installation.
        copyTree(module.resolve("src/main/dist"), target);
    }

    /** Copies jars with their times, by which the JVM recognises the archives made from them, and removes others. */
    private static void copyJars(String[] classPath, Path lib) throws IOException {
        Files.createDirectories(lib);
        Set<Path> wanted = new HashSet<>();
        for (String entry : classPath) {
            Path jar = Path.of(entry);
            Path copy = lib.resolve(jar.getFileName());
            wanted.add(copy);
            if (!Files.exists(copy)
                    || Files.size(copy) != Files.size(jar)
                    || !Files.getLastModifiedTime(copy).equals(Files.getLastModifiedTime(jar))) {
                Files.copy(jar, copy, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.COPY_ATTRIBUTES);
            }
        }
        try (DirectoryStream<Path> jars = Files.newDirectoryStream(lib, "*.jar")) {
            for (Path jar : jars) {
                if (!wanted.contains(jar)) {
                    Files.delete(jar);
                }
            }
        }
    }

    /** Copies files with their permissions; what is there already is replaced. */
    private static void copyTree(Path from, Path to) throws IOException {
        try (Stream<Path> tree = Files.walk(from)) {
            tree.forEach(source -> {
                Path target = to.resolve(from.relativize(source).toString());
                try {
                    if (Files.isDirectory(source)) {
                        Files.createDirectories(target);
                    } else {
                        Files.copy(source, target, StandardCopyOption.REPLACE_EXISTING);
                    }
                } catch (IOException e) {
                    throw new UncheckedIOException("copy " + source + " to " + target, e);
                }
            });
        }
    }
}

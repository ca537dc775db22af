package dev.gantry.images.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FileCalls;
import dev.gantry.linux.FileStatus;
import dev.gantry.linux.Linux;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.TarWriter;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@RequiresRoot
class LayerUnpackerIT {
    private final FileCalls files = Linux.system().files();

    @TempDir
    Path directory;

    private Path root = Path.of("/");
    private Path outside = Path.of("/");

    @BeforeEach
    void makeDirectories() throws IOException {
        root = Files.createDirectory(directory.resolve("root"));
        outside = Files.createDirectory(directory.resolve("outside"));
        Files.writeString(outside.resolve("secret"), "untouched");
    }

    private UnpackedLayer unpack(TarWriter.Entry... entries) throws IOException {
        return unpack(new TarWriter().add(entries).finish(), OverlayFlavour.PRIVILEGED);
    }

    private UnpackedLayer unpack(byte[] tar, OverlayFlavour flavour) throws IOException {
        try (Fd fd = files.open(root.toString(), Fcntl.O_RDONLY | Fcntl.O_DIRECTORY);
                LayerUnpacker unpacker = new LayerUnpacker(files, fd, flavour, LayerLimits.DEFAULTS)) {
            return unpacker.unpack(new TarReader(new ByteArrayInputStream(tar), LayerLimits.DEFAULTS));
        }
    }

    private FileStatus status(String path) throws IOException {
        return files.lstat(root.resolve(path).toString());
    }

    private boolean isOpaque(String path) throws IOException {
        return files.lgetxattr(root.resolve(path).toString(), "trusted.overlay.opaque")
                .isPresent();
    }

    private boolean isWhiteout(String path) throws IOException {
        FileStatus status = status(path);
        return status.isCharacterDevice() && status.deviceMajor() == 0 && status.deviceMinor() == 0;
    }

    // --- what it makes

    @Test
    void attributesSurviveInTheirOrder() throws Exception {
        byte[] capability = {1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
        unpack(
                TarWriter.directory("d/").mode(02755).owner(7, 8).mtime(1000),
                TarWriter.file("d/suid", "x")
                        .mode(04755)
                        .owner(1000, 1001)
                        .mtime(1_234_567)
                        .xattr("user.note", new byte[] {1, 2})
                        .xattr("security.capability", capability),
                TarWriter.symlink("d/link", "suid").owner(5, 6).mtime(77),
                TarWriter.hardLink("d/hard", "d/suid"),
                TarWriter.fifo("d/pipe").mode(0622),
                TarWriter.characterDevice("d/null", 1, 3).mode(0666).owner(0, 9),
                TarWriter.blockDevice("d/disk", 8, 0).mode(0660));

        FileStatus file = status("d/suid");
        assertThat(file.permissions()).isEqualTo(04755);
        assertThat(file.uid()).isEqualTo(1000);
        assertThat(file.gid()).isEqualTo(1001);
        assertThat(file.links()).isEqualTo(2);
        assertThat(file.modificationTime().getEpochSecond()).isEqualTo(1_234_567);
        String path = root.resolve("d/suid").toString();
        assertThat(files.lgetxattr(path, "security.capability").orElseThrow()).isEqualTo(capability);
        assertThat(files.lgetxattr(path, "user.note").orElseThrow()).containsExactly(1, 2);
        assertThat(status("d").permissions()).isEqualTo(02755);
        assertThat(status("d").modificationTime().getEpochSecond()).isEqualTo(1000);
        assertThat(status("d/link").uid()).isEqualTo(5);
        assertThat(status("d/link").modificationTime().getEpochSecond()).isEqualTo(77);
        assertThat(status("d/pipe").isFifo()).isTrue();
        assertThat(status("d/pipe").permissions()).isEqualTo(0622);
        assertThat(status("d/null").deviceMinor()).isEqualTo(3);
        assertThat(status("d/null").gid()).isEqualTo(9);
        assertThat(status("d/disk").isBlockDevice()).isTrue();
    }

    @Test
    void directoriesWithoutAnEntryAreReported() throws Exception {
        UnpackedLayer layer = unpack(TarWriter.file("a/b/c", ""), TarWriter.directory("a/"));

        assertThat(layer.implicitDirectories()).containsExactly("", "a/b");
        assertThat(unpack(TarWriter.directory("./").mode(0711)).implicitDirectories())
                .isEmpty();
        assertThat(status(".").permissions()).isEqualTo(0711);
    }

    @Test
    void holesStayHoles() throws Exception {
        unpack(TarWriter.file("sparse", "AB")
                .pax("GNU.sparse.size", "10000000")
                .pax("GNU.sparse.map", "5000000,1,9999999,1"));

        assertThat(status("sparse").size()).isEqualTo(10_000_000);
        assertThat(status("sparse").blocks() * 512).isLessThan(100_000);
        byte[] content = Files.readAllBytes(root.resolve("sparse"));
        assertThat(content[5_000_000]).isEqualTo((byte) 'A');
        assertThat(content[9_999_999]).isEqualTo((byte) 'B');
    }

    @Test
    void namesThatAreNoTextSurvive() throws Exception {
        byte[] tar = new TarWriter().add(TarWriter.file("abc", "")).finish();
        tar[1] = (byte) 0xff;
        System.arraycopy(TarWriter.withChecksum(Arrays.copyOf(tar, 512)), 0, tar, 0, 512);

        unpack(tar, OverlayFlavour.PRIVILEGED);

        try (Fd fd = files.open(root.toString(), Fcntl.O_RDONLY | Fcntl.O_DIRECTORY)) {
            assertThat(files.list(fd).get(0).name()).isEqualTo("a\udcffc");
        }
    }

    // --- whiteouts

    @Test
    void whiteoutsAndOpaqueDirectoriesBecomeOverlays() throws Exception {
        unpack(
                TarWriter.file("etc/.wh.gone", ""),
                TarWriter.file("dir/new", ""),
                TarWriter.file("dir/.wh..wh..opq", ""),
                TarWriter.file(".wh..wh.plnk", ""),
                TarWriter.file(".wh..wh.orph/x", ""));

        assertThat(isWhiteout("etc/gone")).isTrue();
        assertThat(isOpaque("dir")).isTrue();
        assertThat(root.resolve("dir/new")).exists();
        assertThat(names(root)).containsExactlyInAnyOrder("etc", "dir");
    }

    @Test
    void aWhiteoutNeverTouchesItsOwnLayer() throws Exception {
        unpack(
                TarWriter.file("before", "x"),
                TarWriter.file(".wh.before", ""),
                TarWriter.file(".wh.after", ""),
                TarWriter.file("after", "y"),
                TarWriter.directory("kept/"),
                TarWriter.file("kept/x", ""),
                TarWriter.file(".wh.kept", ""),
                TarWriter.file(".wh.made", ""),
                TarWriter.directory("made/"),
                TarWriter.file(".wh.passed", ""),
                TarWriter.file("passed/.wh.below", ""));

        assertThat(Files.readString(root.resolve("before"))).isEqualTo("x");
        assertThat(Files.readString(root.resolve("after"))).isEqualTo("y");
        assertThat(root.resolve("kept/x")).exists();
        assertThat(isOpaque("kept")).isTrue();
        assertThat(isOpaque("made")).isTrue();
        assertThat(isOpaque("passed")).isTrue();
        assertThat(isWhiteout("passed/below")).isTrue();
    }

    @Test
    void attributesThatWouldForgeWhiteoutsAreLeftOut() throws Exception {
        unpack(TarWriter.directory("d/")
                .xattr("trusted.overlay.opaque", new byte[] {'y'})
                .xattr("trusted.overlay.redirect", "/x".getBytes(StandardCharsets.UTF_8))
                .xattr("user.overlay.whiteout", new byte[] {'y'}));

        assertThat(files.llistxattr(root.resolve("d").toString())).noneMatch(name -> name.contains("overlay"));
    }

    @Test
    void inAUserNamespaceOpaqueIsAUserAttributeAndDevicesAreLeftOut() throws Exception {
        byte[] tar = new TarWriter()
                .add(TarWriter.file("d/.wh..wh..opq", ""), TarWriter.characterDevice("null", 1, 3))
                .finish();

        unpack(tar, OverlayFlavour.USER_NAMESPACE);

        assertThat(files.lgetxattr(root.resolve("d").toString(), "user.overlay.opaque"))
                .isPresent();
        assertThat(names(root)).containsExactly("d");
    }

    // --- replacing

    @Test
    void laterEntriesWin() throws Exception {
        unpack(
                TarWriter.file("x", "file"),
                TarWriter.directory("x/"),
                TarWriter.file("x/in", ""),
                TarWriter.symlink("x", "nowhere"),
                TarWriter.file("x", "again"),
                TarWriter.directory("d/").mode(0700),
                TarWriter.file("d/kept", ""),
                TarWriter.directory("d/").mode(0755));

        assertThat(Files.readString(root.resolve("x"))).isEqualTo("again");
        assertThat(root.resolve("d/kept")).exists();
        assertThat(status("d").permissions()).isEqualTo(0755);
    }

    @Test
    void linksWithinTheLayerLeadParents() throws Exception {
        unpack(
                TarWriter.directory("usr/lib/"),
                TarWriter.symlink("lib", "usr/lib"),
                TarWriter.file("lib/a", "1"),
                TarWriter.symlink("abs", "/usr/lib"),
                TarWriter.file("abs/b", "2"),
                TarWriter.symlink("dangling", "/made/on/demand"),
                TarWriter.file("dangling/c", "3"));

        assertThat(Files.readString(root.resolve("usr/lib/a"))).isEqualTo("1");
        assertThat(Files.readString(root.resolve("usr/lib/b"))).isEqualTo("2");
        assertThat(Files.readString(root.resolve("made/on/demand/c"))).isEqualTo("3");
        assertThat(Files.isSymbolicLink(root.resolve("lib"))).isTrue();
    }

    // --- the zoo

    private void expectRefusal(TarWriter.Entry... entries) {
        assertThatExceptionOfType(LayerFormatException.class).isThrownBy(() -> unpack(entries));
        expectNothingOutside();
    }

    private void expectNothingOutside() {
        assertThat(outside).isDirectoryContaining(p -> p.endsWith("secret"));
        assertThat(names(outside)).containsExactly("secret");
        assertThat(outside.resolve("secret")).hasContent("untouched");
        assertThat(names(directory)).containsExactlyInAnyOrder("root", "outside");
    }

    private static List<String> names(Path path) {
        try (Stream<Path> list = Files.list(path)) {
            return list.map(p -> String.valueOf(p.getFileName())).toList();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void dotsDoNotLeadOut() {
        expectRefusal(TarWriter.file("../outside/x", ""));
        expectRefusal(TarWriter.file("a/../../outside/x", ""));
        expectRefusal(TarWriter.hardLink("x", "../outside/secret"));
        expectRefusal(TarWriter.file("../outside/.wh.secret", ""));
    }

    @Test
    void symbolicLinksDoNotLeadOut() throws Exception {
        String up = "../".repeat(30);
        for (String target : List.of(
                outside.toString(), "../outside", up + outside.toString().substring(1))) {
            unpack(
                    TarWriter.symlink("out", target),
                    TarWriter.file("out/x", "bad"),
                    TarWriter.directory("out/d/"),
                    TarWriter.file("out/.wh.secret", ""),
                    TarWriter.file("out/.wh..wh..opq", ""));
            expectNothingOutside();
        }
        assertThat(root.resolve(outside.toString().substring(1)).resolve("x")).exists();
    }

    @Test
    void anEntryReplacesALinkInsteadOfFollowingIt() throws Exception {
        Path secret = outside.resolve("secret");
        for (TarWriter.Entry second : List.of(
                TarWriter.file("x", "bad").mode(0777).owner(1, 1),
                TarWriter.directory("x/").mode(0777).owner(1, 1),
                TarWriter.fifo("x").mode(0777).owner(1, 1),
                TarWriter.characterDevice("x", 1, 3).mode(0777),
                TarWriter.symlink("x", "y").owner(1, 1))) {
            unpack(TarWriter.symlink("x", secret.toString()), second);
            expectNothingOutside();
            assertThat(files.lstat(secret.toString()).uid()).isZero();
            assertThat(files.lstat(secret.toString()).permissions()).isNotEqualTo(0777);
        }
    }

    @Test
    void hardLinksDoNotLeadOut() throws Exception {
        expectRefusal(TarWriter.symlink("l", outside.toString()), TarWriter.hardLink("x", "l/secret"));
        expectRefusal(TarWriter.hardLink("x", outside.resolve("secret").toString()));
        expectRefusal(TarWriter.directory("d/"), TarWriter.hardLink("x", "d"));
        expectRefusal(TarWriter.hardLink("x", "."));

        // a link to a link: the link itself, not what it points to
        unpack(
                TarWriter.symlink("s", outside.resolve("secret").toString()),
                TarWriter.hardLink("h", "s"),
                TarWriter.file("h", "bad").mode(0777));
        expectNothingOutside();
    }

    @Test
    void theRootItselfCannotBeReplaced() {
        expectRefusal(TarWriter.symlink(".", outside.toString()), TarWriter.file("x", ""));
        expectRefusal(TarWriter.symlink("/", outside.toString()));
        expectRefusal(TarWriter.file("./", "").link(""), TarWriter.entry("a/..", '0'));
    }

    @Test
    void magicLinksAreNotFollowed() throws Exception {
        Path proc = Path.of("/proc/self/root").resolve(outside.toString().substring(1));
        unpack(TarWriter.symlink("m", proc.toString()), TarWriter.file("m/x", "inside"));

        expectNothingOutside();
        assertThat(Files.exists(root.resolve("proc/self/root"), LinkOption.NOFOLLOW_LINKS))
                .isTrue();
    }

    @Test
    void loopsOfLinksEnd() {
        expectRefusal(TarWriter.symlink("a", "b"), TarWriter.symlink("b", "a"), TarWriter.file("a/x", ""));
        expectRefusal(TarWriter.symlink("c", "c/c"), TarWriter.file("c/x", ""));
    }

    @Test
    void aFileIsNoDirectory() {
        expectRefusal(TarWriter.file("f", ""), TarWriter.file("f/x", ""));
        expectRefusal(TarWriter.characterDevice("dev", 1, 3), TarWriter.file("dev/x", ""));
    }

    @Test
    void namesTooLongForTheKernelAreTheLayersFault() {
        expectRefusal(TarWriter.file("n".repeat(256), ""));
    }

    @Test
    void aMillionRepeatedMarksCostNoMoreThanTheirNumber() throws Exception {
        TarWriter tar = new TarWriter().add(TarWriter.file("d/x", ""));
        for (int i = 0; i < 5_000; i++) {
            tar.add(TarWriter.file("d/.wh..wh..opq", ""), TarWriter.file("d/.wh.y", ""));
        }

        unpack(tar.finish(), OverlayFlavour.PRIVILEGED);

        assertThat(isOpaque("d")).isTrue();
    }

    /** Any mix of entries over few names: whatever happens, nothing outside changes and nothing else is thrown. */
    @Test
    void randomArchivesStayInside() throws Exception {
        Random random = new Random(20_240_101);
        String[] names = {"a", "b", "a/b", "b/a", "a/b/c", "./a", "a/../b", ".wh.a", "a/.wh.b", "b/.wh..wh..opq", "c"};
        String[] targets = {outside.toString(), "../outside", "..", "/", "a", "b", "a/b", "../../../..", ".", "c/../.."
        };
        for (int round = 0; round < 400; round++) {
            TarWriter tar = new TarWriter();
            for (int i = 0; i < 12; i++) {
                String name = names[random.nextInt(names.length)];
                String target = targets[random.nextInt(targets.length)];
                tar.add(
                        switch (random.nextInt(6)) {
                            case 0 -> TarWriter.file(name, "bad");
                            case 1 -> TarWriter.directory(name + "/");
                            case 2 -> TarWriter.hardLink(name, target);
                            case 3 -> TarWriter.fifo(name);
                            default -> TarWriter.symlink(name, target);
                        });
            }
            try {
                unpack(tar.finish(), OverlayFlavour.PRIVILEGED);
            } catch (LayerFormatException e) {
                assertThat(e.getMessage()).isNotEmpty();
            }
            expectNothingOutside();
            try (Fd fd = files.open(directory.toString(), Fcntl.O_RDONLY | Fcntl.O_DIRECTORY)) {
                RemovedTree.remove(files, fd, "root");
            }
            Files.createDirectory(root);
        }
    }

    @Test
    void treesOfAnyDepthAreRemoved() throws Exception {
        Fd at = files.open(root.toString(), Fcntl.O_RDONLY | Fcntl.O_DIRECTORY);
        for (int i = 0; i < 2_000; i++) {
            files.mkdirat(at, "d", 0700);
            Fd next = files.openat(at, "d", Fcntl.O_RDONLY | Fcntl.O_DIRECTORY, 0);
            at.close();
            at = next;
        }
        at.close();

        try (Fd fd = files.open(directory.toString(), Fcntl.O_RDONLY | Fcntl.O_DIRECTORY)) {
            assertThat(RemovedTree.remove(files, fd, "root")).isEqualTo(2_001);
        }
        assertThat(root).doesNotExist();
    }
}

package dev.gantry.images.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.images.layer.TarEntry.Extent;
import dev.gantry.testing.TarWriter;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TarReaderTest {
    private static final LayerLimits LIMITS = new LayerLimits(100, 4096, 64, 1000, 100_000, 1 << 20, 1 << 22, 1, 10);

    private static List<TarEntry> read(byte[] tar) throws IOException {
        TarReader reader = new TarReader(new ByteArrayInputStream(tar), LIMITS);
        List<TarEntry> entries = new ArrayList<>();
        for (TarEntry entry = reader.next(); entry != null; entry = reader.next()) {
            entries.add(entry);
        }
        return entries;
    }

    private static TarEntry one(TarWriter.Entry... entries) throws IOException {
        return read(new TarWriter().add(entries).finish()).get(0);
    }

    @Test
    void allKindsOfEntriesAreRead() throws Exception {
        byte[] tar = new TarWriter()
                .add(
                        TarWriter.directory("d/").mode(01777),
                        TarWriter.file("d/f", "hello")
                                .mode(04755)
                                .owner(1000, 2_000_000)
                                .mtime(-5),
                        TarWriter.symlink("l", "/d/f"),
                        TarWriter.hardLink("h", "d/f"),
                        TarWriter.characterDevice("c", 1, 3),
                        TarWriter.blockDevice("b", 8, 1),
                        TarWriter.fifo("p"),
                        TarWriter.entry("old/", '\0'),
                        TarWriter.entry("contiguous", '7').content("x"))
                .finish();

        List<TarEntry> entries = read(tar);

        assertThat(entries)
                .extracting(TarEntry::type)
                .containsExactly(
                        EntryType.DIRECTORY,
                        EntryType.FILE,
                        EntryType.SYMLINK,
                        EntryType.HARD_LINK,
                        EntryType.CHARACTER_DEVICE,
                        EntryType.BLOCK_DEVICE,
                        EntryType.FIFO,
                        EntryType.DIRECTORY,
                        EntryType.FILE);
        TarEntry file = entries.get(1);
        assertThat(file.mode()).isEqualTo(04755);
        assertThat(file.uid()).isEqualTo(1000);
        assertThat(file.gid()).isEqualTo(2_000_000);
        assertThat(file.size()).isEqualTo(5);
        assertThat(file.mtimeSeconds()).isEqualTo(-5);
        assertThat(entries.get(2).linkName()).isEqualTo("/d/f");
        assertThat(entries.get(4).deviceMinor()).isEqualTo(3);
    }

    @Test
    void contentIsReadInWhateverPiecesTheStreamGives() throws Exception {
        byte[] content = new byte[300_000];
        new Random(1).nextBytes(content);
        byte[] tar = new TarWriter()
                .add(TarWriter.file("a", content), TarWriter.file("b", "end"))
                .finish();
        Random random = new Random(2);
        InputStream dripping = new ByteArrayInputStream(tar) {
            @Override
            public synchronized int read(byte[] b, int off, int len) {
                return super.read(b, off, Math.min(len, 1 + random.nextInt(700)));
            }
        };
        TarReader reader = new TarReader(dripping, LIMITS);

        reader.next();
        ByteArrayOutputStream found = new ByteArrayOutputStream();
        byte[] piece = new byte[1000];
        for (int n = reader.read(piece, 0, 1000); n > 0; n = reader.read(piece, 0, 1000)) {
            found.write(piece, 0, n);
        }

        assertThat(found.toByteArray()).isEqualTo(content);
        assertThat(reader.next()).extracting(TarEntry::name).isEqualTo("b");
        assertThat(reader.next()).isNull();
    }

    @Test
    void paxOverridesTheHeader() throws Exception {
        String longName = "x/".repeat(80) + "é";
        TarEntry entry = one(TarWriter.file("short", "abc")
                .pax("path", longName)
                .pax("uid", "3000000000")
                .pax("mtime", "-1.25")
                .pax("SCHILY.xattr.user.k", new byte[] {0, 10, (byte) 0xff})
                .pax("LIBARCHIVE.xattr.user.a%20b", "AQI="));

        assertThat(entry.name()).isEqualTo(longName);
        assertThat(entry.uid()).isEqualTo(3_000_000_000L);
        assertThat(entry.mtimeSeconds()).isEqualTo(-2);
        assertThat(entry.mtimeNanos()).isEqualTo(750_000_000);
        assertThat(entry.xattrs().get("user.k")).containsExactly(0, 10, 0xff);
        assertThat(entry.xattrs().get("user.a b")).containsExactly(1, 2);
    }

    @Test
    void gnuLongNamesAndLinksAreJoined() throws Exception {
        String name = "n".repeat(200);
        String target = "t".repeat(300);
        TarEntry entry = one(
                TarWriter.entry("././@LongLink", 'L').content(name + "\0"),
                TarWriter.entry("././@LongLink", 'K').content(target + "\0"),
                TarWriter.symlink("cut", "cut"));

        assertThat(entry.name()).isEqualTo(name);
        assertThat(entry.linkName()).isEqualTo(target);
    }

    @Test
    void bytesOutsideUtf8SurviveInNames() throws Exception {
        byte[] tar = new TarWriter().add(TarWriter.file("abc", "")).finish();
        tar[1] = (byte) 0xe9;
        byte[] header = TarWriter.withChecksum(Arrays.copyOf(tar, 512));
        System.arraycopy(header, 0, tar, 0, 512);

        assertThat(dev.gantry.linux.RawName.encode(read(tar).get(0).name())).containsExactly('a', 0xe9, 'c');
    }

    @Test
    void sparseFilesOfPaxAreReadByTheirMap() throws Exception {
        TarEntry first = one(TarWriter.file("ignored", "AB")
                .pax("GNU.sparse.major", "0")
                .pax("GNU.sparse.minor", "1")
                .pax("GNU.sparse.name", "real")
                .pax("GNU.sparse.size", "1000")
                .pax("GNU.sparse.map", "10,1,999,1"));
        assertThat(first.name()).isEqualTo("real");
        assertThat(first.size()).isEqualTo(1000);
        assertThat(first.extents()).containsExactly(new Extent(10, 1), new Extent(999, 1));

        byte[] content = new byte[514];
        byte[] map = "1\n8190\n2\n".getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(map, 0, content, 0, map.length);
        content[512] = 'X';
        TarEntry second = one(TarWriter.file("ignored", content)
                .pax("GNU.sparse.major", "1")
                .pax("GNU.sparse.minor", "0")
                .pax("GNU.sparse.name", "v1")
                .pax("GNU.sparse.realsize", "8192"));
        assertThat(second.extents()).containsExactly(new Extent(8190, 2));
        assertThat(second.isSparse()).isTrue();
    }

    @Test
    void aSparseMapThatLiesIsRefused() {
        for (String map : List.of("10,1,5,1", "0,1", "0,-5,3,2", "0,2,2,9223372036854775807", "a,b", "1,2,3")) {
            assertThatExceptionOfType(LayerFormatException.class)
                    .as(map)
                    .isThrownBy(() -> one(TarWriter.file("x", "AB")
                            .pax("GNU.sparse.size", "1000")
                            .pax("GNU.sparse.map", map)));
        }
    }

    @Test
    void brokenArchivesAreRefused() {
        byte[] good = new TarWriter().add(TarWriter.file("a", "abc")).finish();
        byte[] badChecksum = good.clone();
        badChecksum[3] ^= 1;

        for (byte[] tar : List.of(
                badChecksum,
                Arrays.copyOf(good, 300),
                Arrays.copyOf(good, 513),
                new TarWriter().add(TarWriter.entry("x", 'Q')).finish(),
                new TarWriter()
                        .add(TarWriter.entry("x", 'x').content("99 path=a\n"))
                        .finish(),
                new TarWriter()
                        .add(TarWriter.entry("x", 'x').content("9 path=a\n"))
                        .finish(),
                new TarWriter()
                        .add(TarWriter.entry("x", 'x').content("0 a=b\n"))
                        .finish(),
                new TarWriter()
                        .add(TarWriter.entry("x", 'x').content("5 \n\n\n"))
                        .finish(),
                new TarWriter().add(TarWriter.file("x", "").pax("size", "-1")).finish(),
                new TarWriter()
                        .add(TarWriter.file("x", "").pax("size", "99999999999999999999"))
                        .finish(),
                new TarWriter()
                        .add(TarWriter.file("x", "").pax("uid", "4294967295"))
                        .finish(),
                new TarWriter().add(TarWriter.file("x", "").pax("path", "a\0b")).finish(),
                new TarWriter().add(TarWriter.file("x", "").pax("mtime", "1.x")).finish())) {
            assertThatExceptionOfType(LayerFormatException.class).isThrownBy(() -> read(tar));
        }
    }

    @Test
    void limitsHold() {
        TarWriter many = new TarWriter();
        for (int i = 0; i < 101; i++) {
            many.add(TarWriter.file("f" + i, ""));
        }
        for (byte[] tar : List.of(
                many.finish(),
                new TarWriter()
                        .add(TarWriter.file("x", "").pax("path", "p".repeat(4097)))
                        .finish(),
                new TarWriter()
                        .add(TarWriter.file("x", "").xattr("user.a", new byte[1001]))
                        .finish(),
                new TarWriter()
                        .add(TarWriter.entry("x", 'x').content(new byte[100_001]))
                        .finish(),
                new TarWriter()
                        .add(TarWriter.entry("x", 'L').content(new byte[5000]))
                        .finish(),
                new TarWriter()
                        .add(TarWriter.file("x", "").pax("size", "2000000"))
                        .finish())) {
            assertThatExceptionOfType(LayerFormatException.class).isThrownBy(() -> read(tar));
        }
    }

    /** Whatever the bytes: an entry, the end or a refusal, in bounded time. */
    @Test
    void damagedArchivesNeverDoAnythingElseThanBeRefused() throws Exception {
        byte[] good = new TarWriter()
                .add(
                        TarWriter.file("a", "abc").xattr("user.x", new byte[3]),
                        TarWriter.file("s", "AB").pax("GNU.sparse.map", "1,2").pax("GNU.sparse.size", "9"),
                        TarWriter.entry("l", 'L').content("long\0"),
                        TarWriter.symlink("l", "t"))
                .finish();
        Random random = new Random(42);
        for (int round = 0; round < 5_000; round++) {
            byte[] damaged = good.clone();
            int changes = 1 + random.nextInt(4);
            for (int i = 0; i < changes; i++) {
                damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
            }
            for (int at = 0; at + 512 <= damaged.length; at += 512) {
                if (Arrays.equals(damaged, at + 257, at + 262, good, 257, 262)) {
                    System.arraycopy(
                            TarWriter.withChecksum(Arrays.copyOfRange(damaged, at, at + 512)), 0, damaged, at, 512);
                }
            }
            try {
                assertThat(read(damaged).size()).isLessThan(100);
            } catch (LayerFormatException e) {
                assertThat(e.getMessage()).isNotEmpty();
            }
        }
    }
}

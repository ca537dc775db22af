package dev.gantry.testing;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** Writes tars byte by byte, good ones and bad ones. Names longer than 100 bytes and attributes become PAX records. */
public final class TarWriter {
    private static final int BLOCK = 512;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    /** One header's fields; the defaults are those of a plain file of root. */
    public static final class Entry {
        private final String name;
        private final char type;
        private String linkName = "";
        private int mode = 0644;
        private long uid;
        private long gid;
        private long mtime = 1_700_000_000;
        private int major;
        private int minor;
        private byte[] content = {};
        private final Map<String, byte[]> pax = new LinkedHashMap<>();

        private Entry(String name, char type) {
            this.name = name;
            this.type = type;
        }

        public Entry link(String target) {
            linkName = target;
            return this;
        }

        public Entry mode(int value) {
            mode = value;
            return this;
        }

        public Entry owner(long user, long group) {
            uid = user;
            gid = group;
            return this;
        }

        public Entry mtime(long seconds) {
            mtime = seconds;
            return this;
        }

        public Entry device(int majorNumber, int minorNumber) {
            major = majorNumber;
            minor = minorNumber;
            return this;
        }

        public Entry content(byte[] bytes) {
            content = bytes.clone();
            return this;
        }

        public Entry content(String text) {
            return content(text.getBytes(StandardCharsets.UTF_8));
        }

        public Entry pax(String key, byte[] value) {
            pax.put(key, value.clone());
            return this;
        }

        public Entry pax(String key, String value) {
            return pax(key, value.getBytes(StandardCharsets.UTF_8));
        }

        public Entry xattr(String attribute, byte[] value) {
            return pax("SCHILY.xattr." + attribute, value);
        }
    }

    public static Entry file(String name, String content) {
        return new Entry(name, '0').content(content);
    }

    public static Entry file(String name, byte[] content) {
        return new Entry(name, '0').content(content);
    }

    public static Entry directory(String name) {
        return new Entry(name, '5').mode(0755);
    }

    public static Entry symlink(String name, String target) {
        return new Entry(name, '2').link(target).mode(0777);
    }

    public static Entry hardLink(String name, String target) {
        return new Entry(name, '1').link(target);
    }

    public static Entry characterDevice(String name, int major, int minor) {
        return new Entry(name, '3').device(major, minor);
    }

    public static Entry blockDevice(String name, int major, int minor) {
        return new Entry(name, '4').device(major, minor);
    }

    public static Entry fifo(String name) {
        return new Entry(name, '6');
    }

    /** An entry of any type. */
    public static Entry entry(String name, char type) {
        return new Entry(name, type);
    }

    /** Appends entries. */
    public TarWriter add(Entry... entries) {
        for (Entry entry : entries) {
            add(entry);
        }
        return this;
    }

    private void add(Entry entry) {
        Map<String, byte[]> pax = new LinkedHashMap<>(entry.pax);
        if (utf8(entry.name).length > 100) {
            pax.putIfAbsent("path", utf8(entry.name));
        }
        if (utf8(entry.linkName).length > 100) {
            pax.putIfAbsent("linkpath", utf8(entry.linkName));
        }
        if (!pax.isEmpty()) {
            ByteArrayOutputStream records = new ByteArrayOutputStream();
            pax.forEach((key, value) -> records.writeBytes(record(key, value)));
            write(new Entry("PaxHeaders/x", 'x').content(records.toByteArray()));
        }
        write(entry);
    }

    private static byte[] record(String key, byte[] value) {
        int body = utf8(key).length + value.length + 3; // blank, equals, newline
        int length = body + 1;
        while (String.valueOf(length).length() + body != length) {
            length++;
        }
        ByteArrayOutputStream record = new ByteArrayOutputStream(length);
        record.writeBytes(utf8(length + " " + key + "="));
        record.writeBytes(value);
        record.write('\n');
        return record.toByteArray();
    }

    private void write(Entry entry) {
        byte[] header = new byte[BLOCK];
        put(header, 0, utf8(entry.name), 100);
        octal(header, 100, 8, entry.mode);
        number(header, 108, 8, entry.uid);
        number(header, 116, 8, entry.gid);
        number(header, 124, 12, entry.content.length);
        number(header, 136, 12, entry.mtime);
        header[156] = (byte) entry.type;
        put(header, 157, utf8(entry.linkName), 100);
        put(header, 257, utf8("ustar\00000"), 8);
        octal(header, 329, 8, entry.major);
        octal(header, 337, 8, entry.minor);
        raw(withChecksum(header));
        raw(entry.content);
        raw(new byte[-entry.content.length & (BLOCK - 1)]);
    }

    /** The header with its checksum set. */
    public static byte[] withChecksum(byte[] header) {
        Arrays.fill(header, 148, 156, (byte) ' ');
        int sum = 0;
        for (byte b : header) {
            sum += b & 0xff;
        }
        octal(header, 148, 7, sum);
        return header;
    }

    private static void put(byte[] header, int at, byte[] text, int most) {
        System.arraycopy(text, 0, header, at, Math.min(text.length, most));
    }

    private static void octal(byte[] header, int at, int length, long value) {
        put(header, at, utf8(String.format("%0" + (length - 1) + "o", value)), length - 1);
    }

    /** Octal if it fits, else base-256. */
    private static void number(byte[] header, int at, int length, long value) {
        if (value >= 0 && value < 1L << (3 * (length - 1))) {
            octal(header, at, length, value);
            return;
        }
        long rest = value;
        for (int i = at + length - 1; i > at; i--) {
            header[i] = (byte) rest;
            rest >>= 8;
        }
        header[at] = (byte) (value < 0 ? 0xff : 0x80);
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** Appends bytes as they are. */
    public TarWriter raw(byte[] bytes) {
        out.writeBytes(bytes);
        return this;
    }

    /** The tar, with its end mark. */
    public byte[] finish() {
        raw(new byte[2 * BLOCK]);
        return out.toByteArray();
    }

    /** The tar so far, without an end mark. */
    public byte[] unfinished() {
        return out.toByteArray();
    }
}

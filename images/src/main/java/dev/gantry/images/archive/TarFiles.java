package dev.gantry.images.archive;

import dev.gantry.images.Quoted;
import dev.gantry.images.layer.LayerLimits;
import dev.gantry.images.layer.TarEntry;
import dev.gantry.images.layer.TarReader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** The members of a plain tar file, found by one pass over its headers and then read in any order. */
final class TarFiles implements ArchiveFiles {
    private static final LayerLimits LIMITS =
            new LayerLimits(200_000, 4096, 256, 1 << 20, 2 << 20, 1L << 40, 1L << 42, Long.MAX_VALUE, 1);
    private static final int MOST_LINKS = 16;

    private final Path file;
    private final FileChannel channel;
    private final Map<String, Member> members = new HashMap<>();

    /** A file by its place, or a link by its target. */
    private record Member(long offset, long length, String link) {}

    TarFiles(Path file) throws IOException {
        this.file = file;
        this.channel = FileChannel.open(file, StandardOpenOption.READ);
        try {
            index();
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private void index() throws IOException {
        TarReader reader = new TarReader(new ChannelStream(channel, 0, channel.size()), LIMITS);
        while (true) {
            TarEntry entry = reader.next();
            if (entry == null) {
                return;
            }
            String name = normalised(entry.name(), "");
            switch (entry.type()) {
                case FILE -> {
                    if (!entry.isSparse()) {
                        members.put(name, new Member(reader.offset(), entry.size(), ""));
                    }
                }
                // docker save writes a layer once and links to it
                case SYMLINK -> {
                    int slash = name.lastIndexOf('/');
                    String directory = slash < 0 ? "" : name.substring(0, slash);
                    members.put(name, new Member(0, 0, normalised(entry.linkName(), directory)));
                }
                case HARD_LINK -> members.put(name, new Member(0, 0, normalised(entry.linkName(), "")));
                default -> {}
            }
        }
    }

    private static String normalised(String name, String directory) {
        Path path = Path.of("/" + directory).resolve(name.startsWith("/") ? name.substring(1) : name);
        return path.normalize().toString().substring(1);
    }

    private Optional<Member> member(String name) {
        String at = name;
        for (int i = 0; i < MOST_LINKS; i++) {
            Member member = members.get(at);
            if (member == null || member.link().isEmpty()) {
                return Optional.ofNullable(member);
            }
            at = member.link();
        }
        return Optional.empty();
    }

    @Override
    public String describe() {
        return file.toString();
    }

    @Override
    public boolean has(String name) {
        return member(name).isPresent();
    }

    @Override
    public Optional<Long> size(String name) {
        return member(name).map(Member::length);
    }

    @Override
    public InputStream open(String name) throws IOException {
        Member member =
                member(name).orElseThrow(() -> new IOException("'" + Quoted.cut(name) + "' is not in " + describe()));
        return new ChannelStream(channel, member.offset(), member.offset() + member.length());
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    /** A part of the file, with a position of its own. */
    private static final class ChannelStream extends InputStream {
        private final FileChannel channel;
        private final long end;
        private long position;

        ChannelStream(FileChannel channel, long start, long end) {
            this.channel = channel;
            this.position = start;
            this.end = end;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            if (position >= end) {
                return -1;
            }
            int wanted = (int) Math.min(length, end - position);
            int n = channel.read(ByteBuffer.wrap(target, offset, wanted), position);
            if (n > 0) {
                position += n;
            }
            return n;
        }

        @Override
        public long skip(long count) {
            long n = Math.max(0, Math.min(count, end - position));
            position += n;
            return n;
        }
    }
}

package dev.gantry.linux;

/** Both ends of a pipe ({@code first} reads, {@code second} writes) or of a socket pair. */
public record FdPair(Fd first, Fd second) implements AutoCloseable {
    @Override
    public void close() {
        first.close();
        second.close();
    }
}

package dev.gantry.netns;

/** What a port may speak, numbered as IANA does. */
public enum PortProtocol {
    TCP(6),
    UDP(17),
    SCTP(132);

    private final int number;

    PortProtocol(int number) {
        this.number = number;
    }

    public int number() {
        return number;
    }
}

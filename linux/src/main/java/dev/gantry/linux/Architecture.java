package dev.gantry.linux;

/** The machines whose system call tables and structure layouts are known here. */
public enum Architecture {
    X86_64("amd64"),
    AARCH64("arm64");

    private static final Architecture CURRENT = parse(System.getProperty("os.arch"));

    private final String ociName;

    Architecture(String ociName) {
        this.ociName = ociName;
    }

    /** As image indexes spell it: {@code amd64}, {@code arm64}. */
    public String ociName() {
        return ociName;
    }

    /** The machine this process runs on. */
    public static Architecture current() {
        return CURRENT;
    }

    private static Architecture parse(String osArch) {
        return switch (osArch) {
            case "amd64", "x86_64" -> X86_64;
            case "aarch64", "arm64" -> AARCH64;
            default ->
                throw new UnsupportedOperationException("machine " + osArch + ": only x86-64 and arm64 are supported");
        };
    }
}

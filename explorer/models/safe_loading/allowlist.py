"""What a network's recipe may name: the layers that image networks are made of, and nothing else of Keras.

Of what is left out, Lambda, TFSMLayer, JaxLayer, FlaxLayer and TorchModuleWrapper run code; StringLookup and its like
read files; keras.utils and keras.saving fetch, open and write them; Map, Scan and WhileLoop take functions.
"""


def _names(text):
    return frozenset(text.split())


FUNCTIONAL = "keras.src.models.functional"
# Where Keras 2 kept the same class.
FUNCTIONAL_BEFORE = ("keras.src.engine.functional", "keras.engine.functional", "tf_keras.src.engine.functional")
POLICIES = frozenset({"DTypePolicy", "FloatDTypePolicy"})
LAYERS = _names("""
    Activation ActivityRegularization Add AlphaDropout Attention Average AveragePooling2D AvgPool2D BatchNormalization
    CenterCrop Concatenate Conv1D Conv2D Conv2DTranspose Convolution2D Cropping2D Dense DepthwiseConv2D Dot Dropout ELU
    EinsumDense Embedding Flatten GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D
    GlobalAvgPool2D GlobalMaxPool2D GlobalMaxPooling1D GlobalMaxPooling2D GroupNormalization Identity InputLayer
    LayerNormalization LeakyReLU MaxPool2D MaxPooling2D Maximum Minimum MultiHeadAttention Multiply Normalization PReLU
    Permute RMSNormalization RandomBrightness RandomContrast RandomCrop RandomFlip RandomHue RandomRotation
    RandomSaturation RandomSharpness RandomTranslation RandomZoom ReLU RepeatVector Rescaling Reshape Resizing
    SeparableConv2D SeparableConvolution2D Softmax SpatialDropout1D SpatialDropout2D SpectralNormalization Subtract
    UnitNormalization UpSampling2D ZeroPadding2D
""")
OPERATIONS = {  # what arithmetic between the layers of a functional model is stored as
    "keras.src.ops.core": _names("Cast SaturateCast StopGradient Slice"),
    "keras.src.ops.image": _names("Resize RGBToGrayscale PadImages CropImages"),
    "keras.src.ops.math": _names("Logsumexp Rsqrt Erf"),
    "keras.src.ops.nn": _names("""
        AdaptiveAveragePool AdaptiveMaxPool AveragePool BatchNorm Celu Conv ConvTranspose DepthToSpace DepthwiseConv
        DotProductAttention Elu Gelu Glu HardSigmoid HardSilu HardTanh LayerNorm LeakyRelu LogSigmoid LogSoftmax MaxPool
        Normalize RMSNorm Relu Relu6 Selu SeparableConv Sigmoid Silu Softmax Softplus Softsign SpaceToDepth TanhShrink
"""),
    "keras.src.ops.numpy": _names("""
        Absolute Add Amax Amin Average BroadcastTo Clip Concatenate Divide Dot Einsum Exp ExpandDims Expm1 Flip Floor
        GetItem Hstack Log Log1p Logaddexp Matmul Max Maximum Mean Min Minimum Mod Moveaxis Multiply Negative Pad Power
        Prod Ravel Reciprocal Repeat Reshape Roll Sign Split Sqrt Square Squeeze Stack Std Subtract Sum Swapaxes Take
        Tanh Tensordot Tile Transpose TrueDivide Var Vstack
"""),
}
KINDS = {
    "keras": POLICIES | {"Sequential"},
    "keras.models": frozenset({"Sequential"}),
    "keras.dtype_policies": POLICIES,
    "keras.layers": LAYERS,
    "keras.src.applications.convnext": frozenset({"LayerScale"}),
    FUNCTIONAL: frozenset({"Functional"}),
    **OPERATIONS,
}
ACTIVATIONS = _names("""
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear
    log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign squareplus swish
    tanh tanh_shrink
""")
